// Light or dark from the first paint: as this browser was told, else as the system says. Gradio follows the system
// alone, which is corrected in the same frame.
(() => {
  const NAME = 'sightline-theme';
  const system = matchMedia('(prefers-color-scheme: dark)');
  const stored = () => { try { return localStorage.getItem(NAME); } catch { return null; } };
  const root = document.documentElement;
  let chosen = stored();
  const apply = () => {
    const dark = chosen === 'dark' || (chosen !== 'light' && system.matches);
    root.dataset.theme = root.style.colorScheme = dark ? 'dark' : 'light';
    document.body?.classList.toggle('dark', dark);
  };
  window.sightlineTheme = {
    get: () => (chosen === 'dark' || chosen === 'light' ? chosen : 'system'),
    set: (value) => {
      chosen = value;
      try {
        if (value === 'system') localStorage.removeItem(NAME); else localStorage.setItem(NAME, value);
      } catch { /* no storage: until the page is left */ }
      apply();
    },
  };
  new MutationObserver((changes, waiting) => {
    if (!document.body) return;
    waiting.disconnect();
    new MutationObserver(apply).observe(document.body, { attributeFilter: ['class'] });
    apply();
  }).observe(root, { childList: true });
  system.addEventListener('change', apply);
  window.addEventListener('storage', (event) => { if (event.key === NAME) { chosen = stored(); apply(); } });
  apply();
})();
