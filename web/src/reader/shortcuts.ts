// Keys that do something by themselves, unless the reader is writing, a dialog is open or another program is meant.

export function onShortcut(act: (key: string) => void): () => void {
  const listen = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]')) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (target?.closest('input, textarea, select, [contenteditable]')) return;
    if (!['j', 'k', '/', '?', 'm', 'Escape'].includes(event.key)) return;
    event.preventDefault();
    act(event.key);
  };
  window.addEventListener('keydown', listen);
  return () => window.removeEventListener('keydown', listen);
}
