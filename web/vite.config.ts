// Three builds: the reader's pages (the default), `embed` (one module for pages of other origins) and `worker` (the
// reader's service worker, which is told the names of the files that the first build made).
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type UserConfig } from 'vite';

const READER = 'dist/reader';
/** Where `npm run dev` finds a server: `qunfa sandbox` unless told otherwise. */
const SERVER = process.env.QUNFA_SERVER ?? 'http://127.0.0.1:8080';

const smallVue = {
  __VUE_OPTIONS_API__: 'false',
  __VUE_PROD_DEVTOOLS__: 'false',
  __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  __VUE_I18N_LEGACY_API__: 'false',
  __VUE_I18N_FULL_INSTALL__: 'false',
  __INTLIFY_PROD_DEVTOOLS__: 'false',
};

const reader: UserConfig = {
  base: '/reader/',
  plugins: [vue()],
  define: smallVue,
  build: { outDir: READER, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
  // The AMR decoder holds an `eval` that is never reached; the policy that workers come with forbids it.
  worker: { rolldownOptions: { checks: { eval: false } } },
  server: { proxy: Object.fromEntries(['/inbox', '/s/', '/media', '/mmbiz', '/v1'].map((path) => [path, SERVER])) },
};

const embed: UserConfig = {
  plugins: [vue({ customElement: true })],
  define: smallVue,
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: false,
    // Not as a library: those keep their white space.
    rolldownOptions: { input: 'src/embed/main.ts', output: { entryFileNames: 'embed.js' } },
  },
};

function worker(): UserConfig {
  const files = readdirSync(READER, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && file.name !== 'sw.js')
    .map((file) => join(file.parentPath, file.name))
    .sort();
  const digest = createHash('sha256');
  for (const file of files) digest.update(file).update(readFileSync(file));
  const shell = files.map((file) => file.slice(READER.length)).filter((file) => file !== '/index.html');
  return {
    define: { SHELL_FILES: JSON.stringify(shell), SHELL_VERSION: JSON.stringify(digest.digest('hex').slice(0, 12)) },
    publicDir: false,
    build: {
      outDir: READER,
      emptyOutDir: false,
      target: 'es2022',
      lib: { entry: 'src/sw/main.ts', formats: ['es'], fileName: () => 'sw.js' },
    },
  };
}

export default defineConfig(({ mode }) => {
  if (mode === 'embed') return embed;
  return mode === 'worker' ? worker() : reader;
});
