// Footage besides the drop box's own ways: dropped on the clip that is there, by a telephone's camera, none at all.
const panel = () => element.closest('[role=tabpanel]');
const tab = element.querySelector('[data-tab]').dataset.tab;
const say = (kind) => {
  element.querySelectorAll('[data-intake]').forEach((node) => { node.hidden = node.dataset.intake !== kind; });
  if (kind) element.scrollIntoView({ block: 'nearest' });
};
const input = () => document.querySelector(`#${tab}-video input[type=file]`);
const hand = (files) => {
  say('');
  input().files = files;
  input().dispatchEvent(new Event('change', { bubbles: true }));
};
const take = (files) => {
  if (document.getElementById(`${tab}-video`)?.checkVisibility()) { hand(files); return; }
  const another = document.querySelector(`#${tab}-another:not([disabled])`);
  if (!another) return;
  another.click();
  const began = Date.now();
  const wait = setInterval(() => {
    const ready = document.getElementById(`${tab}-video`)?.checkVisibility() && input();
    if (ready || Date.now() - began > 10000) clearInterval(wait);
    if (ready) hand(files);
  }, 100);
};
const dragged = (event) => panel()?.offsetParent && event.dataTransfer?.types.includes('Files') && !event.target.closest('.sl-import');
const inBox = (event) => event.target.closest('.sl-drop');

document.addEventListener('dragover', (event) => { if (dragged(event) && !inBox(event)) event.preventDefault(); });
document.addEventListener('drop', (event) => {
  if (!dragged(event)) return;
  const files = event.dataTransfer.files;
  if (files.length > 1) {
    event.preventDefault();
    event.stopImmediatePropagation();
    say('several');
  } else if (!inBox(event)) {
    event.preventDefault();
    if (files.length) take(files);
  } else say('');
}, true);

element.addEventListener('change', (event) => {
  if (event.target.matches('.sl-capture input') && event.target.files.length) take(event.target.files);
});

// The camera: what Gradio's recorder is refused, it does not say.
const REFUSALS = { NotAllowedError: 'refused', SecurityError: 'refused', NotReadableError: 'busy' };
const media = navigator.mediaDevices;
if (media && !media.sightline) {
  const ask = media.getUserMedia.bind(media);
  media.sightline = true;
  media.getUserMedia = (wanted) => ask(wanted).catch((error) => {
    document.dispatchEvent(new CustomEvent('camera-refused', { detail: REFUSALS[error.name] || 'absent' }));
    throw error;
  });
}
document.addEventListener('camera-refused', (event) => { if (panel()?.offsetParent) say(event.detail); });
document.addEventListener('click', async (event) => {
  if (!event.target.closest('.sl-recorder') || !panel()?.contains(event.target)) return;
  if (!media) { say('insecure'); return; }
  const cameras = (await media.enumerateDevices()).filter((device) => device.kind === 'videoinput');
  if (!cameras.length) say('absent');
}, true);
document.addEventListener('change', (event) => { if (event.target === input()) say(''); }, true);
