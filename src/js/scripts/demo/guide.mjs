// The guide: Markdown of www/guide as pages, with a list of all pages and of the headings of each.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../paths.mjs';
import { apiPage } from './api.mjs';
import { framed } from './frame.mjs';
import { escaped, markdown } from './markdown.mjs';
import { functionsPage } from './reference.mjs';

const FOLDER = join(ROOT, 'www/guide');

/** Pages in their order, by part. A page's title is its first heading. */
const PARTS = [
  ['Begin', ['index', 'start', 'spark', 'coverage', 'storm']],
  ['Streams', ['sources', 'connectors', 'event-time', 'exactly-once']],
  ['Data', ['sql', 'datasets', 'ml', 'graphs']],
  ['Run it', ['memory', 'deployment', 'testing', 'errors', 'performance', 'architecture']],
  ['Look it up', ['functions', 'api']],
];

/** Pages that are made of what the engine and the package say of themselves. */
const MADE = { functions: functionsPage, api: apiPage };

const page = (name) => {
  if (MADE[name]) return { name, ...MADE[name]() };
  const text = readFileSync(join(FOLDER, `${name}.md`), 'utf8');
  const script = text.includes('data-picture') ? '../pictures.js' : undefined;
  return { name, script, html: markdown(text), title: /^# (.*)$/m.exec(text)[1], about: /^# .*\n+([^\n#]*)/m.exec(text)?.[1] ?? '' };
};

const link = (name, title, here) => `<li><a href="./${name}.html"${name === here ? ' aria-current="page"' : ''}>${escaped(title)}</a></li>`;

function contents(parts, here) {
  const lists = parts.map(
    ([part, pages]) => `<h2>${part}</h2><ul>${pages.map(({ name, title }) => link(name, title, here)).join('')}</ul>`,
  );
  return `<nav class="contents" aria-label="Guide"><details class="fold" open><summary>All pages of the guide</summary>${lists.join('')}</details></nav><script>if (matchMedia('(max-width: 820px)').matches) document.querySelector('.fold').open = false</script>`;
}

function onThisPage(html) {
  const headings = [...html.matchAll(/<h2 id="([^"]+)"><a[^>]*>(.*?)<\/a><\/h2>/g)];
  if (headings.length < 2) return '';
  const items = headings.map(([, id, title]) => `<li><a href="#${id}">${title}</a></li>`).join('');
  return `<nav class="on-this-page" aria-label="On this page"><b>On this page</b><ul>${items}</ul></nav>`;
}

function around(pages, at) {
  const one = (entry, words) =>
    entry ? `<a href="./${entry.name}.html"><span>${words}</span>${escaped(entry.title)}</a>` : '<span></span>';
  return `<nav class="around" aria-label="Previous and next page">${one(pages[at - 1], 'Before')}${one(pages[at + 1], 'Next')}</nav>`;
}

/** The list of pages that the first page has in the place of its mark. */
const overview = (parts) =>
  parts
    .map(
      ([part, pages]) =>
        `<h2>${part}</h2><ul class="overview">${pages
          .filter(({ name }) => name !== 'index')
          .map(
            ({ name, title, about }) => `<li><a href="./${name}.html">${escaped(title)}</a> ${markdown(about).replace(/<\/?p>/g, '')}</li>`,
          )
          .join('')}</ul>`,
    )
    .join('');

/** Writes the pages into a folder. */
export function buildGuide(out, version) {
  mkdirSync(out, { recursive: true });
  const parts = PARTS.map(([part, names]) => [part, names.map(page)]);
  const pages = parts.flatMap(([, all]) => all);
  pages.forEach(({ name, html: own, title, about, script }, at) => {
    const html = own.replace('<!-- pages -->', () => overview(parts));
    const description = escaped(about.replace(/[`*\n[\]]|\(.*?\)/g, '').slice(0, 180));
    const document = `<!doctype html>
<html lang="en">
<head>
  <meta name="description" content="${description}">
  <title>${escaped(title)}: Rivulet’s guide</title>
  <link rel="stylesheet" href="../code.css">
  <link rel="stylesheet" href="../guide.css">
</head>
<body>
  <main class="guide">
    ${contents(parts, name)}
    <article>${html}${around(pages, at)}</article>
    ${onThisPage(html)}
  </main>${script ? `\n  <script type="module" src="${script}"></script>` : ''}
</body>
</html>
`;
    writeFileSync(join(out, `${name}.html`), framed(document, { page: `guide/${name}.html`, version }));
  });
}
