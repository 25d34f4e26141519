// Takes the HTML that `sync.js` receives for this part.
const mine = element.closest('.block.sl-pushed');
window.addEventListener('sightline-push', ({ detail }) => {
  const html = detail[mine.id];
  if (html === undefined || html === props.value) return;
  const details = () => [...element.querySelectorAll('details')];
  const open = new Set(details().filter((part) => part.open).map((part) => part.dataset.key));
  const key = element.contains(document.activeElement) && document.activeElement.dataset.key;
  props.value = html;
  requestAnimationFrame(() => {
    details().forEach((part) => { part.open = open.has(part.dataset.key); });
    if (key && !element.contains(document.activeElement)) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  });
});
