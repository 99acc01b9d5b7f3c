// What all pages have: the switch between light and dark, and a copy of the site for when the line is down.
const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');

function show(theme) {
  if (root.dataset.theme === theme) return;
  root.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent('themechange', { detail: theme }));
}

/** The theme that the visitor chose, if storage is there to remember it. */
function chosen() {
  try {
    return localStorage.getItem('rivulet-theme');
  } catch {
    return null;
  }
}

document.getElementById('theme').onclick = () => {
  const theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem('rivulet-theme', theme);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  show(theme);
};
system.onchange = () => {
  if (!chosen()) show(system.matches ? 'dark' : 'light');
};

// Not where the site is being worked on.
if ('serviceWorker' in navigator && location.hostname !== 'localhost')
  addEventListener('load', () => navigator.serviceWorker.register(new URL('./sw.js', import.meta.url)).catch(() => {}), { once: true });
