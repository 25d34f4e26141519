// Keeps a page in sight in step with the server by one request that waits until something changes.
// Python's answer to 'changed' has the new revision, which starts the next one.
let request = null;
let timer = 0;
const received = [];  // jobs whose end arrived here: what the server sends may get lost
const again = (seconds) => { clearTimeout(timer); timer = setTimeout(listen, seconds * 1000); };

async function listen() {
  clearTimeout(timer);
  request?.abort();
  request = null;
  const revision = element.querySelector('[data-revision]')?.dataset.revision;
  if (!revision || document.visibilityState !== 'visible') return;
  const mine = new AbortController();
  request = mine;
  const shown = (part) => `${part.id}=${part.querySelector('[data-live]')?.dataset.live || ''}`;
  const headers = {
    'x-sightline-workspace': window.sightlineWorkspace,
    'x-sightline-revision': revision,
    'x-sightline-jobs': received.slice(-50).join(),
    'x-sightline-parts': [...document.querySelectorAll('.block.sl-pushed')].map(shown).join(),
  };
  try {
    const answer = await fetch('sightline/changes', { headers, signal: mine.signal, cache: 'no-store' });
    if (answer.status === 200) {
      const { revision: now, jobs, parts } = await answer.json();
      window.dispatchEvent(new CustomEvent('sightline-push', { detail: parts }));
      jobs.forEach((name) => trigger('resumed', { action: 'resume', value: name }));
      if (now !== revision) trigger('changed', { action: 'changed', value: '' });
      const told = jobs.length || now !== revision;
      again(told ? 3 : 0.3);  // 3: in case that the answer gets lost
    } else if (answer.status === 204) {
      listen();
    } else if (answer.status === 401) {
      location.replace('login?ended');
    } else if (answer.status === 410) {
      reload();
    } else {
      again(5);
    }
  } catch {
    if (!mine.signal.aborted) again(2);
  }
}

// The server has forgotten this page, as after a restart: a reload says so. Not in a circle, though.
function reload() {
  const NAME = 'sightline-reloaded';
  const last = Number(sessionStorage.getItem(NAME) || 0);
  if (Date.now() - last < 60000) return again(30);
  sessionStorage.setItem(NAME, String(Date.now()));
  location.reload();
}

watch('value', listen);
window.addEventListener('sightline-received', ({ detail }) => { received.push(detail); listen(); });
document.addEventListener('visibilitychange', listen);
window.addEventListener('online', listen);
window.addEventListener('pagehide', () => request?.abort());
// A page that the browser had put away has lost its connections.
window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
