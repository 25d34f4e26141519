// The range's two handles and the playhead. The server knows each frame's own time, so it turns seconds into frames.
const SECOND = { PageUp: 1, PageDown: -1 };
const FRAME = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
const line = () => element.querySelector('.sl-range-line');
const length = () => Math.max(Number(line()?.dataset.length) || 0, 1e-6);
const video = () => element.closest('[role=tabpanel]')?.querySelector('.sl-card video');
const clock = (seconds) => {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
};
const send = (action, value) => trigger('act', { action, value });
const resting = () => element.closest('.sl-range')?.querySelector('input')?.disabled;
let held = null;      // the handle under the finger or the mouse
let keyed = null;     // the handle that keys move, and where to; an answer of the server may be late by some keys
let rest = 0;
let sending = 0;
let focused = null;

const show = (seconds) => {  // what stands at a handle, in the player; a little late, because browsers round
  const player = video();
  if (player?.readyState) player.currentTime = Math.min(length(), seconds + 0.001);
};
const secondsAt = (event) => {
  const rail = element.querySelector('.sl-rail').getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - rail.left) / rail.width)) * length();
};
const place = (node, seconds) => { node.style.left = `${(100 * seconds) / length()}%`; };

element.addEventListener('pointerdown', (event) => {
  const rail = event.target.closest('.sl-rail');
  if (!rail || event.button || resting()) return;
  event.preventDefault();
  const handle = event.target.closest('[data-handle]');
  if (!handle) { show(secondsAt(event)); return; }  // beside the handles: the playhead goes there
  held = handle;
  handle.focus({ preventScroll: true });
  handle.setPointerCapture(event.pointerId);
});
element.addEventListener('pointermove', (event) => {
  if (!held) return;
  place(held, secondsAt(event));
  held.dataset.moved = '';
  show(secondsAt(event));
});
element.addEventListener('pointerup', (event) => {
  if (!held) return;
  const handle = held;
  held = null;
  if ('moved' in handle.dataset) send('move', `${handle.dataset.handle}:${secondsAt(event).toFixed(4)}`);
});
element.addEventListener('pointercancel', () => { held = null; });

element.addEventListener('keydown', (event) => {
  const handle = event.target.closest('[data-handle]');
  if (!handle || event.altKey || event.ctrlKey || event.metaKey || resting()) return;
  const end = handle.dataset.handle;
  if (keyed?.end !== end) keyed = { end, frame: Number(handle.getAttribute('aria-valuenow')), seconds: 0 };
  const top = Number(handle.getAttribute('aria-valuemax'));
  if (event.key in FRAME) keyed.frame = Math.min(top, Math.max(0, keyed.frame + FRAME[event.key]));
  else if (event.key in SECOND) keyed.seconds += SECOND[event.key];
  else if (event.key === 'Home') Object.assign(keyed, { frame: 0, seconds: 0 });
  else if (event.key === 'End') Object.assign(keyed, { frame: top, seconds: 0 });
  else { keyed = null; return; }
  event.preventDefault();
  clearTimeout(rest);
  rest = setTimeout(() => { keyed = null; }, 1000);
  const value = `${end}:${keyed.frame}:${keyed.seconds}`;
  clearTimeout(sending);  // of keys that follow each other quickly only the last one counts
  sending = setTimeout(() => send('step', value), 120);
});

element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-here]');
  const player = video();
  if (button && player && !resting()) send('here', `${button.dataset.here}:${player.currentTime.toFixed(4)}`);
});
element.addEventListener('focusin', (event) => { focused = event.target.dataset.key || null; });
element.addEventListener('focusout', (event) => { if (event.relatedTarget) focused = null; });

const follow = () => {  // the playhead, and whether there is a player at all
  const player = video();
  const head = element.querySelector('.sl-playhead');
  if (!head) return;
  const there = Boolean(player);
  head.hidden = !there;
  element.querySelector('.sl-here').hidden = !there;
  if (!there) return;
  place(head, player.currentTime);
  element.querySelector('.sl-now').textContent = element.querySelector('.sl-now').dataset.words.replace('{time}', clock(player.currentTime));
};
['timeupdate', 'seeked', 'loadedmetadata'].forEach((name) => {
  document.addEventListener(name, (event) => { if (event.target === video()) follow(); }, true);
});

watch('value', () => {
  held = null;
  follow();
  if (focused && (!document.activeElement || document.activeElement === document.body)) {
    element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  const moved = keyed && element.querySelector(`[data-handle=${keyed.end}]`);
  if (moved) show(Number(moved.dataset.seconds));
});
follow();
