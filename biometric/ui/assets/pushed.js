// Takes the HTML that `sync.js` has received for this part of the page.
const mine = element.closest('.block.sl-pushed');
window.addEventListener('sightline-push', ({ detail }) => {
  const html = detail[mine.id];
  if (html === undefined || html === props.value) return;
  const open = element.querySelector('details')?.open;
  const key = element.contains(document.activeElement) && document.activeElement.dataset.key;
  props.value = html;
  requestAnimationFrame(() => {
    const details = element.querySelector('details');
    if (details && open) details.open = true;
    if (key && !element.contains(document.activeElement)) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  });
});
