// The gallery stands open where there is room for it; on a telephone it waits behind its button.
() => {
  if (window.innerWidth >= 1100) {
    document.querySelector('#gallery:not(.open) .toggle-button')?.click();
  }
  return [];
}
