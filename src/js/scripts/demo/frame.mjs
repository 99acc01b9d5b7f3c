// The frame that all pages of the site have: head, navigation, theme, footer. Pages in www are whole documents without it; the site's
// build puts it in, so that a page has it before any script runs.
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath d='M3 12c5-6 8 6 13 0s8 6 13 0M3 21c5-6 8 6 13 0s8 6 13 0' fill='none' stroke='%230d9488' stroke-width='3' stroke-linecap='round'/%3E%3C/svg%3E";

/** Pages of the navigation: file and name. */
const PAGES = [
  ['playground.html', 'Playground'],
  ['guide/index.html', 'Guide'],
  ['trending.html', 'Trending'],
  ['sentiment.html', 'Sentiment'],
  ['moods.html', 'Moods'],
  ['mentions.html', 'Mentions'],
  ['graph.html', 'Graphs'],
  ['ui.html', 'Jobs'],
];

/** Modules by name: file below the root. */
const MODULES = {
  rivulet: 'pkg/dist/index.js',
  'rivulet/graph': 'pkg/dist/graph.js',
  'd3-force': 'vendor/d3-force.js',
  uplot: 'vendor/uPlot.esm.js',
  codemirror: 'vendor/codemirror.js',
  tables: 'vendor/tables.js',
};

/** Runs before the first paint: a chosen theme, else the system's. */
const THEME =
  "document.documentElement.dataset.theme=(()=>{try{return localStorage.getItem('rivulet-theme')}catch{}})()??(matchMedia('(prefers-color-scheme: dark)').matches?'dark':'light')";

const head = (root) => `
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <link rel="icon" href="${ICON}">
  <link rel="stylesheet" href="${root}style.css">
  <link rel="stylesheet" href="${root}frame.css">
  <script>${THEME}</script>
  <script type="importmap">${JSON.stringify({ imports: Object.fromEntries(Object.entries(MODULES).map(([name, file]) => [name, root + file])) })}</script>
  <script type="module" src="${root}frame.js"></script>`;

const link = (root, page, [file, name]) => {
  const here =
    file === page
      ? ' aria-current="page"'
      : file.split('/').length > 1 && page.startsWith(`${file.split('/')[0]}/`)
        ? ' aria-current="true"'
        : '';
  return `<a href="${root}${file}"${here}>${name}</a>`;
};

const top = (root, page) => `
  <a class="skip" href="#content">Skip to the content</a>
  <header class="top">
    <a class="brand" href="${root}index.html"${page === 'index.html' ? ' aria-current="page"' : ''}>
      <svg viewBox="0 0 32 32" aria-hidden="true"><path d="M3 12c5-6 8 6 13 0s8 6 13 0M3 21c5-6 8 6 13 0s8 6 13 0"/></svg>
      <span>Rivulet</span>
    </a>
    <nav aria-label="Pages">${PAGES.map((entry) => link(root, page, entry)).join('')}</nav>
    <button type="button" class="icon" id="theme" aria-label="Switch between light and dark" title="Light or dark">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3a9 9 0 1 0 9 9c-5 2-11-4-9-9z"/></svg>
    </button>
  </header>`;

const bottom = (root, version) => `
  <footer class="bottom">
    <p>Rivulet ${version}. Everything runs in this tab: no server, no special headers, nothing leaves the page.</p>
    <p><a href="${root}guide/index.html">Guide</a> <a href="${root}pkg/CHANGELOG.md">Changes</a> <a href="${root}vendor/licences.txt">Licences</a></p>
  </footer>
`;

/**
 * Puts a page into the frame. `page` is its path below the root of the site; the element `main` of the page is where "Skip to the
 * content" goes.
 */
export function framed(html, { page, version }) {
  const root = page.includes('/') ? '../' : './';
  return html
    .replace('<head>', () => `<head>${head(root)}`)
    .replace(/<body([^>]*)>/, (body) => `${body}${top(root, page)}`)
    .replace(/<main(?![^>]* id=)/, '<main id="content" tabindex="-1"')
    .replace('</main>', () => `</main>${bottom(root, version)}`);
}
