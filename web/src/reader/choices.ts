// What a reader chose for this device: language and appearance.

import { ref, watchEffect } from 'vue';
import { createI18n } from 'vue-i18n';
import en from '../locales/en';
import zh from '../locales/zh';

export type Theme = 'auto' | 'light' | 'dark';
export type Language = 'zh' | 'en';

export const theme = ref<Theme>(stored('theme', ['auto', 'light', 'dark']) ?? 'auto');
export const language = ref<Language>(
  stored('language', ['zh', 'en']) ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'),
);

export const i18n = createI18n({ legacy: false, locale: language.value, fallbackLocale: 'zh', messages: { zh, en } });

/** For dates and for `lang`. */
export const localeOf = (chosen: Language) => (chosen === 'zh' ? 'zh-CN' : 'en');

watchEffect(() => {
  document.documentElement.lang = localeOf(language.value);
  i18n.global.locale.value = language.value;
  document.title = i18n.global.t('inbox');
});

watchEffect(() => {
  if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
});

export function choose(chosen: { theme?: Theme; language?: Language }): void {
  if (chosen.theme) theme.value = chosen.theme;
  if (chosen.language) language.value = chosen.language;
  for (const [name, value] of Object.entries(chosen)) {
    try {
      localStorage.setItem(`qunfa.${name}`, value);
    } catch {
      // A browser that keeps nothing: the choice holds for this visit.
    }
  }
}

function stored<Value extends string>(name: string, known: Value[]): Value | null {
  try {
    const value = localStorage.getItem(`qunfa.${name}`);
    return known.find((each) => each === value) ?? null;
  } catch {
    return null;
  }
}
