// Each browser tab has a random key under which the server keeps its workspace. While the page is open, it alone knows
// the key: a copy of the tab is a workspace of its own. It is laid down when the page goes or is hidden.
() => {
  const NAME = 'sightline-workspace';
  const stored = () => { try { return JSON.parse(sessionStorage.getItem(NAME)) || {}; } catch { return {}; } };
  const former = stored();
  const returning = /^[0-9a-f]{64}$/.test(former.key);
  const random = () => [...crypto.getRandomValues(new Uint8Array(32))];
  const key = returning ? former.key : random().map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const keep = () => {
    const used = Boolean(document.querySelector('.sl-clip'));
    try { sessionStorage.setItem(NAME, JSON.stringify({ key, used })); } catch { /* no storage: no way back */ }
  };
  const hold = () => { try { sessionStorage.removeItem(NAME); } catch { /* as above */ } };
  const follow = () => (document.visibilityState === 'visible' ? hold() : keep());
  window.addEventListener('pagehide', keep);
  window.addEventListener('pageshow', follow);
  document.addEventListener('visibilitychange', follow);
  follow();
  window.sightlineWorkspace = key;
  return [JSON.stringify({ key, returning: returning && former.used === true })];
}
