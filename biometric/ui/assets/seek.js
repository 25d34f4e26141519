async () => {
  const seconds = window.sightlineSeek;
  window.sightlineSeek = undefined;
  if (seconds === undefined) return;
  for (let tries = 0; tries < 50; tries += 1) {
    const clip = document.querySelector('[role=tabpanel]:has(#identification-submit) .sl-card video');
    if (clip?.offsetParent && clip.readyState) {
      clip.currentTime = seconds;
      clip.scrollIntoView({ block: 'nearest' });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
