// Behaviour of all clickable places. Python renders the HTML; this sends (action, value) back.
const reachable = (node) => node && element.contains(node) && node.getAttribute('aria-disabled') !== 'true';
const typing = () => document.activeElement?.matches('input:not([type=radio], [type=checkbox]), textarea');
let focused = null;
let turn = null;
let asked = false;
let told = null;

element.addEventListener('click', (event) => {
  const seek = event.target.closest('[data-seek]');
  if (reachable(seek)) {
    const panel = element.closest('[role=tabpanel]');
    const clip = panel?.querySelector('.sl-card video') || panel?.querySelector('#annotated video');
    if (clip) {
      clip.currentTime = Number(seek.dataset.seek);
      clip.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
      clip.play().catch(() => {});
    }
    return;
  }
  const item = event.target.closest('[data-action]:not(form)');
  if (!reachable(item)) return;
  if (event.detail > 1 && item.closest('.sl-people, .sl-undo')) return;  // a double click is meant once
  focused = item.dataset.key || null;
  trigger('act', { action: item.dataset.action, value: item.dataset.value || '' });
});

// A form sends what was typed.
element.addEventListener('submit', (event) => {
  const form = event.target.closest('form[data-action]');
  if (!form || !element.contains(form)) return;
  event.preventDefault();
  focused = form.dataset.key || null;
  trigger('act', { action: form.dataset.action, value: form.elements.text.value });
});

// Gradio changes nodes in place: a field may become another person's, and what was typed is not meant for them.
element.addEventListener('input', ({ target }) => { target.typedFor = target.dataset.key; });
const dropStrayWords = () => element.querySelectorAll('input[data-key]').forEach((field) => {
  if (field.typedFor !== field.dataset.key) field.value = field.defaultValue;
});

// Escape presses the button that closes what is open.
element.addEventListener('keydown', (event) => {
  const close = event.key === 'Escape' && element.querySelector('[data-escape]');
  if (close) { event.preventDefault(); close.click(); }
});

// Radio tiles: arrow keys move and choose.
element.addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const radio = event.target.closest('[role=radio]');
  if (!step || !radio) return;
  const group = [...radio.closest('[role=radiogroup]').querySelectorAll('[role=radio]')].filter(reachable);
  const next = group[(group.indexOf(radio) + step + group.length) % group.length];
  event.preventDefault();
  if (next) { next.focus(); next.click(); }
});

// A word on a field stands in view, marks it, and brings the keyboard there unless that is in use.
let marked = [];
const unmark = () => {
  marked.forEach((node) => ['aria-invalid', 'aria-describedby'].forEach((name) => node.removeAttribute(name)));
  marked = [];
};
const atField = (word) => requestAnimationFrame(() => {  // its fold may open with the same answer
  unmark();
  const fields = [...document.querySelectorAll(word.dataset.field)].filter((node) => node.checkVisibility());
  if (!fields.length) return;
  if (word.getAttribute('role') === 'alert') {
    marked = fields;
    fields.forEach((node) => { node.ariaInvalid = 'true'; node.setAttribute('aria-describedby', word.id); });
    fields[0].addEventListener('input', () => {
      word.hidden = true;
      unmark();
      trigger('act', { action: 'corrected', value: '' });
    }, { once: true });
  }
  fields[0].scrollIntoView({ block: 'nearest' });
  word.scrollIntoView({ block: 'nearest' });
  if (typing()) return;
  (fields[0].matches('button, input, textarea') ? fields[0] : fields[0].querySelector('button')).focus({ preventScroll: true });
});

// New content must not move the keyboard.
watch('value', () => {
  dropStrayWords();
  const word = element.querySelector('[data-field]');
  if (word) { atField(word); return; }
  unmark();
  const refusal = element.querySelector('[data-told]');
  if (refusal && refusal.dataset.told !== told && navigator.userActivation.hasBeenActive) {
    told = refusal.dataset.told;
    refusal.tabIndex = -1;
    if (typing()) refusal.scrollIntoView({ block: 'nearest' }); else refusal.focus();
    return;
  }
  const wanted = element.querySelector('[data-focus]')?.dataset;
  if (wanted && wanted.turn !== turn) {
    turn = wanted.turn;
    const place = element.querySelector(`[data-key="${CSS.escape(wanted.focus)}"]`);
    if (place) { focused = wanted.focus; place.focus(); place.select?.(); return; }
  }
  const question = element.querySelector('.sl-question');
  if (question && !asked) {
    question.focus({ preventScroll: true });
    question.scrollIntoView({ block: question.offsetHeight > innerHeight - 96 ? 'start' : 'nearest', behavior: 'smooth' });
  }
  asked = question !== null;
  if (focused && (document.activeElement === document.body || !document.activeElement)) {
    element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
});
