// THIRD_PARTY.md: what software of others is inside the package, and by which licence. A licence that is not known here stops the build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { JS, ROOT } from '../paths.mjs';

/** Licences by which software may be inside, by their SPDX names. */
const KNOWN = new Set(
  (
    '0BSD Apache-2.0 Apache-2.0-WITH-LLVM-exception BSD-1-Clause BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 ISC MIT MIT-0 Unicode-3.0 ' +
    'Unicode-DFS-2016 Unlicense Zlib'
  ).split(' '),
);

/** Whether one of the alternatives of an SPDX expression is known; the old form `MIT/Apache-2.0` is an OR. */
export function isKnown(expression) {
  const tokens = expression
    .replaceAll('/', ' OR ')
    .replaceAll(/\s+WITH\s+/g, '-WITH-')
    .match(/\(|\)|[^\s()]+/g);
  let at = 0;
  const next = (word) => {
    const isNext = tokens[at] === word;
    if (isNext) at++;
    return isNext;
  };
  const term = () => {
    if (!next('(')) return KNOWN.has(tokens[at++]);
    const inner = either();
    at++;
    return inner;
  };
  const both = () => {
    let all = term();
    while (next('AND')) all = term() && all;
    return all;
  };
  const either = () => {
    let any = both();
    while (next('OR')) any = both() || any;
    return any;
  };
  return either() && at >= tokens.length;
}

/** The licences and notices in a folder. */
const textsIn = (folder) =>
  readdirSync(folder)
    .filter((name) => /^(un)?licen[cs]e|^copying|^notice|^copyright/i.test(name) && !/\.(rs|html|toml)$/i.test(name))
    .sort()
    .flatMap((name) => {
      try {
        return [readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim()];
      } catch {
        return []; // a folder
      }
    });

/** The crates that are compiled into the engine: all that its own code reaches, but for what runs while it is built. */
function crates() {
  const text = execFileSync(
    'cargo',
    ['metadata', '--format-version', '1', '--locked', '--offline', '--filter-platform', 'wasm32-unknown-unknown'],
    { cwd: ROOT, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const { packages, resolve } = JSON.parse(text);
  const byId = new Map(packages.map((one) => [one.id, one]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const reached = new Set();
  const visit = (id) => {
    const isMacro = byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
    if (reached.has(id) || isMacro) return;
    reached.add(id);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) if (kinds.some(({ kind }) => kind === null)) visit(pkg);
  };
  visit(resolve.root);
  reached.delete(resolve.root);
  return [...reached].map((id) => {
    const { name, version, license, license_file: file, authors, manifest_path: manifest } = byId.get(id);
    const folder = dirname(manifest);
    const texts = textsIn(folder);
    if (file && texts.length === 0) texts.push(readFileSync(join(folder, file), 'utf8').trim());
    return { name, version, license: license ?? null, authors, texts };
  });
}

/** The npm packages whose code is in the scripts, as esbuild's lists of inputs have them. */
function npmPackages(metafiles) {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const names = new Set(inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean));
  return [...names].map((name) => {
    const folder = join(JS, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { name, version, license: license ?? null, authors: [], texts: textsIn(folder) };
  });
}

/** Throws where a licence is not known, naming all of them. */
export function check(packages) {
  const unknown = packages.filter(({ license }) => license === null || !isKnown(license));
  if (unknown.length === 0) return;
  const list = unknown.map(({ name, version, license }) => `${name} ${version}: ${license ?? 'none'}`).join('; ');
  throw new Error(`licences that nobody has looked at (scripts/build/licences.mjs): ${list}`);
}

/** Writes down packages: a table, and each text of a licence once, with those that have it. */
export function document(packages) {
  const sorted = packages.toSorted((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version));
  const texts = new Map();
  for (const { name, version, texts: own } of sorted) {
    for (const text of own) {
      const key = createHash('sha256').update(text.replaceAll(/\s+/g, ' ')).digest('hex');
      const found = texts.get(key) ?? { text, of: new Set() };
      texts.set(key, found);
      found.of.add(`${name} ${version}`);
    }
  }
  const rows = sorted.map(({ name, version, license, authors, texts: own }) => {
    // Where a package brings no text, its authors are named.
    const by = own.length === 0 && authors.length > 0 ? authors.join(', ').replaceAll('|', '/') : '';
    return `| ${name} | ${version} | ${license} | ${by} |`;
  });
  const parts = [...texts.values()].map(({ text, of }) => `## ${[...of].join(', ')}\n\n\`\`\`\`text\n${text}\n\`\`\`\`\n`);
  return `| package | version | licence | authors, where it brings no text of its own |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n\n${parts.join('\n')}`;
}

/** Returns the text of THIRD_PARTY.md, for the scripts of these metafiles and the engine. */
export function thirdParty(metafiles) {
  const [own, npm] = [crates(), npmPackages(metafiles)];
  check([...own, ...npm]);
  return `# Software inside this package

Of others, and by their licences; Rivulet itself is under Apache-2.0. The engine also holds Rust's standard library (MIT OR Apache-2.0,
https://github.com/rust-lang/rust) and, inside zstd-sys, zstd (BSD-3-Clause).

# npm packages, in the scripts

${document(npm)}
# Crates, in engine_bg.wasm

${document(own)}`;
}
