// The client's functions, from the engine's table of them: types with doc comments, and a table of names for
// sql/functions/table.ts. It asks the engine itself, so that no function of it is missing.
//   RIVULET_WASM_DIR        folder with engine.js and engine_bg.wasm (wasm-bindgen --target web)
//   RIVULET_FUNCTIONS_JSON  instead: what `rivulet-connect --functions` printed
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { JS, WASM } from './paths.mjs';

/** Functions that sql/functions/index.ts has by hand, because their arguments are more than columns and values. */
export const BY_HAND = ['when', 'case', 'window', 'count', 'from_json', 'from_csv'];
/** Names of the client and the functions that they call, where these are not the same in snake case. */
const RENAMED = { bitwise_not: '~', create_map: 'map', mean: 'avg', pow: 'power' };

/** The engine's table of functions. */
export async function functionTable() {
  const file = process.env.RIVULET_FUNCTIONS_JSON;
  if (file) return JSON.parse(readFileSync(file, 'utf8'));
  for (const name of ['engine.js', 'engine_bg.wasm']) {
    if (!existsSync(join(WASM, name))) throw new Error(`${join(WASM, name)} is missing: build the engine first (./build.sh build)`);
  }
  const engine = await import(pathToFileURL(join(WASM, 'engine.js')).href);
  engine.initSync({ module: readFileSync(join(WASM, 'engine_bg.wasm')) });
  return JSON.parse(engine.functionTable());
}

/** `array_max` as `arrayMax`. */
export const camelCase = (name) => name.replace(/_+(\w)/g, (_, letter) => letter.toUpperCase());
const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const RESERVED = { default: 'defaultValue', function: 'f', case: 'value', if: 'condition', in: 'input', with: 'other', for: 'length' };
const VARIABLES = { T: 'x', U: 'y', INT: 'index', A: 'accumulator', K: 'key', V: 'value', V1: 'left', V2: 'right' };
const NUMBERS = /^(NUMERIC|DOUBLE|FLOAT|INTEGRAL|INT|BIGINT)\b/;

/** A lambda of the shape `(T[, INT]) -> ANY` as a type. */
function lambdaType(shape) {
  const seen = new Set();
  const parameters = shape
    .split('->')[0]
    .match(/\w+/g)
    .map((letter) => {
      const name = VARIABLES[letter] ?? letter.toLowerCase();
      const unique = seen.has(name) ? 'y' : name;
      seen.add(unique);
      return `${unique}: Column`;
    });
  return `(${parameters.join(', ')}) => Column`;
}

/** Type and kind of an argument; kinds are those of sql/functions/table.ts. */
function typeOf({ kind, type }) {
  if (kind === 'lambda') return [lambdaType(type), 'f'];
  if (type.startsWith('MAP<STRING, STRING>')) return ['Options | Column', 'o'];
  if (kind === 'literal') {
    const own = type === 'ANY' ? 'LiteralValue' : NUMBERS.test(type) ? 'number' : type.startsWith('BOOLEAN') ? 'boolean' : 'string';
    return [`Column | ${own}`, 'l'];
  }
  return [NUMBERS.test(type) ? 'C | number' : 'C', 'c'];
}

/** Parameters of a function as text, and the kinds of its arguments. */
function parametersOf(f) {
  const named = f.arguments.map((argument) => {
    const [type, kind] = typeOf(argument);
    const name = camelCase(argument.name);
    return { name: RESERVED[name] ?? name, type, kind, presence: argument.presence };
  });
  const isRepeated = (argument) => argument.presence === 'repeated';
  const fixed = named.filter((argument) => !isRepeated(argument));
  const rest = named.filter(isRepeated);
  // `f(expr, exprs…)` of one type is `f(...exprs)`, so that arrays can be spread into it.
  while (rest.length > 0 && fixed.length > 0 && fixed.at(-1).presence === 'required' && fixed.at(-1).type === rest[0].type) fixed.pop();
  const texts = fixed.map(({ name, type, presence }) => `${name}${presence === 'required' ? '' : '?'}: ${type}`);
  if (rest.length > 0) {
    const types = [...new Set(rest.map(({ type }) => type))];
    texts.push(`...${rest.at(-1).name}: ${types.length > 1 || types[0].includes(' ') ? `(${types.join(' | ')})` : types[0]}[]`);
  }
  const kinds = [...fixed, ...rest].map(({ kind }) => kind).join('');
  // A group that repeats as a whole: `lc*` is `lclclc…`.
  if (fixed.length === 0 && new Set(kinds).size > 1) return { text: texts.join(', '), kinds: `${kinds}*` };
  return { text: texts.join(', '), kinds: kinds.replace(/(.)\1+$/, '$1') || 'c' };
}

const inline = (text) => text.replaceAll('*/', '*\u200b/');

/** Description, rule of nulls and example. */
function docOf(f) {
  const sql = `\`SELECT ${f.example}\``;
  const rows = f.answer?.split('\n').map((row) => `\`${row.replaceAll('\t', ', ')}\``);
  const example = rows === undefined ? `For example ${sql}.` : `${sql} returns ${rows.join(', ')}.`;
  return `  /**\n   * ${inline(f.description)} ${inline(f.nulls)}\n   *\n   * ${inline(example)}\n   */`;
}

/** The functions that are generated: one entry per name, sorted. */
export function generatedFunctions(table) {
  const entries = new Map();
  const add = (name, spark, f) => {
    if (!/^[a-z]\w*$/.test(name) || BY_HAND.includes(name)) return;
    entries.set(camelCase(name), { spark, f });
  };
  // Operators that Spark does not list are only the parser's.
  const called = table.filter((f) => f.listed || f.group !== 'operator');
  for (const f of called) for (const name of [f.name, ...f.aliases]) add(name, name, f);
  for (const [name, spark] of Object.entries(RENAMED))
    add(
      name,
      spark,
      table.find((f) => [f.name, ...f.aliases].includes(spark)),
    );
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function moduleOf(table) {
  const members = [];
  const byKinds = new Map();
  for (const [name, { spark, f }] of generatedFunctions(table)) {
    const { text, kinds } = parametersOf(f);
    members.push(`${docOf(f)}\n  ${name}(${text}): Column;`);
    const line = byKinds.get(kinds) ?? [];
    line.push(snakeCase(name) === spark ? name : `${name}=${spark}`);
    byKinds.set(kinds, line);
  }
  const lines = [...byKinds].map(([kinds, names]) => `${kinds} ${names.join(' ')}`);
  return `// Generated by scripts/generate-functions.mjs from the engine's table of functions.
import type { Column, ColumnOrName as C, LiteralValue } from '../sql/column.js';
import type { Options } from '../sql/functions/table.js';

/** Functions of Spark SQL that take columns, values and lambdas. */
export interface GeneratedFunctions {
${members.join('\n')}
}

/** The names of these functions by the kinds of their arguments; see sql/functions/table.ts. */
export const FUNCTIONS = \`
${lines.join('\n')}
\`;
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const out = join(JS, 'src/generated');
  mkdirSync(out, { recursive: true });
  const table = await functionTable();
  writeFileSync(join(out, 'functions.ts'), moduleOf(table));
  // For the reference of the site.
  writeFileSync(join(out, 'functions.json'), JSON.stringify(table));
}
