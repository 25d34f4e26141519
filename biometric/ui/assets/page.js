// What belongs to no single part of the page: skip link, theme switch, the row of tabs, names of drop boxes.
const list = () => document.querySelector('#tabs [role=tablist]');
const tabs = () => [...list().querySelectorAll('[role=tab]')];

document.addEventListener('click', (event) => {
  if (!event.target.closest('.sl-skip')) return;
  const panel = [...document.querySelectorAll('#tabs [role=tabpanel]')].find((one) => one.offsetParent);
  event.preventDefault();
  if (panel) { panel.tabIndex = -1; panel.focus(); }
});

// One stop of the Tab key for all tabs; arrow keys, Home and End go from one to the next.
const arrange = () => tabs().forEach((tab) => {
  const open = tab.getAttribute('aria-selected') === 'true';
  tab.tabIndex = open ? 0 : -1;
  if (open) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });  // on a telephone the row is wider than it
});
const move = (event) => {
  const all = tabs();
  const here = all.indexOf(event.target);
  const last = all.length - 1;
  const next = { ArrowRight: here < last ? here + 1 : 0, ArrowLeft: here > 0 ? here - 1 : last, Home: 0, End: last }[event.key];
  if (here < 0 || next === undefined) return;
  event.preventDefault();
  all[next].click();
  all[next].focus();
};

// A drop box says what our style sheet writes on it, also to those who speak to the page or hear it.
const nameDropBoxes = () => document.querySelectorAll('.sl-drop button[aria-dropeffect]').forEach((box) => {
  const words = getComputedStyle(box.querySelector('.wrap') ?? box, '::after').content;
  if (words.startsWith('"') && box.ariaLabel !== words.slice(1, -1)) box.ariaLabel = words.slice(1, -1);
});

const start = () => {
  const theme = document.querySelector('.sl-theme select');
  if (!theme || !list()) return void requestAnimationFrame(start);
  theme.value = window.sightlineTheme?.get() ?? 'system';
  theme.addEventListener('change', () => window.sightlineTheme?.set(theme.value));
  arrange();
  new MutationObserver(arrange).observe(list(), { attributeFilter: ['aria-selected'], childList: true, subtree: true });
  list().addEventListener('keydown', move);
  nameDropBoxes();
  new MutationObserver(nameDropBoxes).observe(document.querySelector('#tabs'), { childList: true, subtree: true });
};
start();
