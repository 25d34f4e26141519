// Notes at which moment a clip is wanted; seek.js goes there once the clip is open.
element.addEventListener('click', (event) => {
  const opens = event.target.closest('[data-action=open]');
  if (opens) window.sightlineSeek = Number(opens.dataset.value.split('/')[2] || 0);
});
