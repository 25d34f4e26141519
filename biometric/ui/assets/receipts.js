// Says that the end of a job has arrived; `sync.js` tells the server.
watch('value', () => {
  const job = element.querySelector('[data-job]')?.dataset.job;
  if (job) window.dispatchEvent(new CustomEvent('sightline-received', { detail: job }));
});
