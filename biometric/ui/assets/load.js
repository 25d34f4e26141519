// The gallery stands open where there is room for it; on a telephone it waits behind its button.
() => {
  if (window.innerWidth >= 1100) {
    document.querySelector('#gallery:not(.open) .toggle-button')?.click();
  }
  // Tabs were measured before the style sheet came; measure them again, so that all of them are seen.
  setTimeout(() => window.dispatchEvent(new Event('resize')), 50);
  return [];
}
