// What the site's pages import from npm, bundled once for all of them, with the licences.
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { JS } from '../paths.mjs';

const MODULES = join(JS, 'node_modules');

/** Names that the playground uses, by package. */
const CODEMIRROR = `
export { EditorState, Compartment, Prec } from '@codemirror/state';
export { EditorView, keymap, lineNumbers, drawSelection, highlightActiveLine, hoverTooltip } from '@codemirror/view';
export { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
export { HighlightStyle, syntaxHighlighting, bracketMatching, indentOnInput } from '@codemirror/language';
export { tags } from '@lezer/highlight';
export { sql, SQLDialect } from '@codemirror/lang-sql';
export { javascript } from '@codemirror/lang-javascript';
export { autocompletion, completionKeymap, closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
export { setDiagnostics, lintGutter } from '@codemirror/lint';
export { searchKeymap } from '@codemirror/search';
`;
/** The forces between the vertices of graphs. */
const FORCES = `
export { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';
`;
/** Files of tables: Parquet, and Arrow for what the engine reads. */
const TABLES = `
export { parquetReadObjects, parquetMetadataAsync, parquetSchema } from 'hyparquet';
export { compressors } from 'hyparquet-compressors';
`;

/** Packages whose code is on the site, by the folder of their licence. */
const SHIPPED = [
  'uplot',
  'd3-force',
  'd3-dispatch',
  'd3-quadtree',
  'd3-timer',
  'hyparquet',
  'hyparquet-compressors',
  'hysnappy',
  'fzstd',
  '@marijn/find-cluster-break',
  'style-mod',
  'w3c-keyname',
  'crelt',
  ...readdirSync(join(MODULES, '@codemirror')).map((name) => `@codemirror/${name}`),
  ...readdirSync(join(MODULES, '@lezer')).map((name) => `@lezer/${name}`),
].filter((name) => existsSync(join(MODULES, name)));

function licence(name) {
  const folder = join(MODULES, name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version}: ${license}\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}\n`;
}

function bundle(contents, outfile) {
  buildSync({
    stdin: { contents, resolveDir: JS, loader: 'js' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    outfile,
  });
}

/** Writes the modules that pages import into a folder. */
export function buildVendor(out) {
  for (const name of ['uPlot.esm.js', 'uPlot.min.css']) cpSync(join(MODULES, 'uplot/dist', name), join(out, name));
  bundle(CODEMIRROR, join(out, 'codemirror.js'));
  bundle(FORCES, join(out, 'd3-force.js'));
  bundle(TABLES, join(out, 'tables.js'));
  const sentences = 'Labelled review sentences: test fixtures of npm package sentiment (MIT), from Kotzias et al., KDD 2015.\n';
  writeFileSync(
    join(out, 'licences.txt'),
    [`The engine and the client: see pkg/LICENSE and pkg/THIRD_PARTY.md.\n`, sentences, ...SHIPPED.map(licence)].join(
      `\n${'-'.repeat(80)}\n\n`,
    ),
  );
}
