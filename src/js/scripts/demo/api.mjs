// The reference of the package: a page per class, interface or module, made of the declarations that the package ships.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, JS, PKG } from '../paths.mjs';
import { framed } from './frame.mjs';
import { escaped, markdown } from './markdown.mjs';

/** What one imports from each module for. */
const MODULES = {
  rivulet: 'Sessions, DataFrames, SQL, streams, datasets.',
  'rivulet/ml': 'Pipelines, features, learners, evaluators.',
  'rivulet/graph': 'Graphs and their algorithms.',
  'rivulet/sources': 'Sources and sinks of your own.',
  'rivulet/flume': 'What Flume’s agents send.',
  'rivulet/react': 'Hooks for React.',
  'rivulet/node': 'The engine in Node.js, Deno and Bun.',
};
const KINDS = { class: 'Classes', interface: 'Interfaces', namespace: 'Namespaces', function: 'Functions', value: 'Values', type: 'Types' };

/** Modules with their declarations, read once per state of the package's types. */
function modules() {
  const types = join(PKG, 'dist/types');
  const hash = createHash('sha256').update(readFileSync(join(JS, 'scripts/reference/extract.mjs')));
  const files = readdirSync(types, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'));
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(types, file)));
  const kept = join(CACHE, 'reference', `${hash.digest('hex').slice(0, 16)}.json`);
  if (!existsSync(kept)) {
    mkdirSync(join(CACHE, 'reference'), { recursive: true });
    execFileSync(process.execPath, [join(JS, 'scripts/reference/extract.mjs'), '--types', types, '--out', kept], { stdio: 'inherit' });
  }
  return JSON.parse(readFileSync(kept, 'utf8')).filter(({ declarations }) => declarations.length > 0);
}

const fileOf = (module) => `${module.replace('/', '-')}.html`;
/** The first sentence of a doc comment, without links. */
const first = (about) => /^.*?\.(?=\s|$)/s.exec(about.split('\n\n')[0])?.[0] ?? about.split('\n\n')[0];
const anchor = ({ name, static: isStatic }) => `${isStatic ? 'static-' : ''}${name.replace(/[^\w$]/g, '-')}`;

/** Pages by the name of what they describe: `href` below `api/`, `of` the module. */
function places(all) {
  const found = new Map();
  for (const { name: module, declarations } of all)
    for (const { name, members } of declarations)
      if (!found.has(name) || members)
        found.set(name, members ? `${module === 'rivulet' ? '' : `${module.split('/')[1]}-`}${name}.html` : `${fileOf(module)}#${name}`);
  return found;
}

/** A signature as HTML, in which names that have a place are links. */
function signature(text, links, own) {
  const parts = text.split(/\b([A-Z]\w+)\b/);
  const html = parts.map((part, at) =>
    at % 2 === 1 && part !== own && links.has(part) ? `<a href="./${links.get(part)}">${part}</a>` : escaped(part),
  );
  return `<code>${html.join('')}</code>`;
}

const entry = (id, signatures, about, links, own) =>
  `<section class="member" id="${id}"><h3>${signatures.map((text) => signature(text, links, own)).join('<br>')}</h3>
${about ? markdown(about) : ''}</section>`;

function declarationPage(module, declaration, links) {
  const { name, kind, about, members } = declaration;
  // What comes from a class that has no page is shown here.
  const isOwn = ({ from }) => from === undefined || !links.has(from);
  const own = members.filter(isOwn);
  const inherited = new Map();
  for (const member of members) if (!isOwn(member)) inherited.set(member.from, [...(inherited.get(member.from) ?? []), member]);
  const bases = (declaration.extends ?? [])
    .filter((base) => links.has(base.replace(/<.*/s, '')))
    .map((base) => signature(base, links, name))
    .join(', ');
  const from = [...inherited].map(
    ([base, some]) =>
      `<p>From <a href="./${links.get(base)}">${base}</a>: ${some.map((one) => `<code>${one.name}</code>`).join(', ')}.</p>`,
  );
  return {
    title: name,
    about: first(about) || `The ${kind} ${name} of ${module}.`,
    html: `<p class="crumbs"><a href="../guide/api.html">Reference</a> / <a href="./${fileOf(module)}">${module}</a></p>
<h1>${name}</h1>
<p class="hint">${kind[0].toUpperCase()}${kind.slice(1)} of <code>${module}</code>${bases ? `, extends ${bases}` : ''}</p>
${markdown(about)}
${own.length > 0 ? '<h2 id="members"><a href="#members">Members</a></h2>' : ''}
${own.map((member) => entry(anchor(member), member.static ? member.text.map((text) => `static ${text}`) : member.text, member.about, links, name)).join('\n')}
${from.length > 0 ? `<h2 id="inherited"><a href="#inherited">Inherited</a></h2>\n${from.join('\n')}` : ''}`,
  };
}

/** What a type is beside the value of its name says nothing more. */
const isOfValue = ({ kind, name }, declarations) =>
  kind === 'type' && declarations.some((other) => other.kind === 'value' && other.name === name);

function modulePage({ name: module, declarations }, links) {
  const shown = declarations.filter((one) => !isOfValue(one, declarations));
  const parts = Object.entries(KINDS).map(([kind, title]) => {
    const some = shown.filter((one) => one.kind === kind);
    if (some.length === 0) return '';
    const list = some[0].members
      ? `<ul class="overview">${some.map(({ name, about }) => `<li><a href="./${links.get(name)}">${name}</a> ${markdown(first(about)).replace(/<\/?p>/g, '')}</li>`).join('')}</ul>`
      : some.map(({ name, text, about }) => entry(name, text, about, links, name)).join('\n');
    return `<h2 id="${title.toLowerCase()}"><a href="#${title.toLowerCase()}">${title}</a></h2>\n${list}`;
  });
  return {
    title: module,
    about: MODULES[module],
    html: `<p class="crumbs"><a href="../guide/api.html">Reference</a></p>\n<h1>${module}</h1>\n<p>${MODULES[module]}</p>\n${parts.join('\n')}`,
  };
}

/** The page of the guide that lists all names, by module. */
export function apiPage() {
  const all = modules();
  const links = places(all);
  const count = all.reduce((sum, { declarations }) => sum + new Set(declarations.map(({ name }) => name)).size, 0);
  const title = 'Reference of the package';
  const about = `The ${count} names that the package exports, each with its signature and what it does.`;
  const parts = all.map(({ name: module, declarations }) => {
    const names = [...new Map(declarations.map((one) => [one.name, one])).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const items = names.map(
      (one) =>
        `<section class="function name" data-names="${one.name}"><h3><a href="../api/${links.get(one.name)}">${one.name}</a></h3><p>${markdown(first(one.about)).replace(/<\/?p>|<a[^>]*>|<\/a>/g, '')}</p></section>`,
    );
    return `<h2 id="${fileOf(module).replace('.html', '')}"><a href="../api/${fileOf(module)}">${module}</a></h2>\n${items.join('\n')}`;
  });
  const search = `<label class="field filter"><span>Find a name</span><input type="search" id="filter" placeholder="DataFrame, window, StreamingQuery …" autocomplete="off" spellcheck="false"></label>
<p class="hint" id="found" role="status"></p>`;
  return { title, about, script: '../reference.js', html: `<h1>${title}</h1>\n<p>${about}</p>\n${search}\n${parts.join('\n')}` };
}

/** Writes a page per module, class, interface and namespace into a folder. */
export function buildApi(out, version) {
  mkdirSync(out, { recursive: true });
  const all = modules();
  const links = places(all);
  const write = (file, { title, about, html }) => {
    const description = escaped(`${title}, in the reference of Rivulet: ${about.replace(/[`*\n[\]]|\(.*?\)/g, ' ')}`.slice(0, 180));
    const document = `<!doctype html>
<html lang="en">
<head>
  <meta name="description" content="${description}">
  <title>${escaped(title)}: Rivulet’s reference</title>
  <link rel="stylesheet" href="../code.css">
  <link rel="stylesheet" href="../guide.css">
</head>
<body>
  <main class="guide reference">
    <article>${html}</article>
  </main>
</body>
</html>
`;
    writeFileSync(join(out, file), framed(document, { page: `api/${file}`, version }));
  };
  for (const module of all) {
    write(fileOf(module.name), modulePage(module, links));
    for (const one of module.declarations) if (one.members) write(links.get(one.name), declarationPage(module.name, one, links));
  }
}
