// An answer that was asked for comes into view, from its top, and takes the keyboard unless that is in use.
const ASKING = '.sl-action button, [role=radio], .sl-answer [data-action]';
let asked = false;
const note = (event, asks) => {
  const here = event.target.closest('[role=tabpanel]')?.contains(element);  // late: a script runs before its page
  if (here && asks(event.target)) asked = true;
};

document.addEventListener('click', (event) => note(event, (target) => target.closest(ASKING)), true);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') note(event, (target) => target.matches('input, textarea'));
}, true);

watch('value', () => {
  if (!asked || !element.querySelector('.sl-banner')) return;
  asked = false;
  requestAnimationFrame(() => {  // other parts change with it
    const tall = innerWidth < 768 || element.offsetHeight > innerHeight - 96;
    element.scrollIntoView({ block: tall ? 'start' : 'nearest' });
    const active = document.activeElement;
    if (!active || active === document.body || active.closest('.sl-action')) {
      element.tabIndex = -1;
      element.focus({ preventScroll: true });
    }
  });
});
