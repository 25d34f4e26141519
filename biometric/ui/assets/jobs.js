// The job bar: a job opens its tab; Escape, a click elsewhere, and a job that was opened close the list.
const close = () => element.querySelector('details')?.removeAttribute('open');
element.addEventListener('click', (event) => {
  const tab = event.target.closest('[data-tab]')?.dataset.tab;
  if (!tab) return;
  close();
  document.querySelector(`[role=tab][data-tab-id="${CSS.escape(tab)}"]`)?.click();
});
document.addEventListener('click', (event) => { if (!element.contains(event.target)) close(); });
element.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  close();
  element.querySelector('summary')?.focus();
});
