// Runs what the editor holds: statements of SQL, or a function body of JavaScript.
import { DataFrame, functions as F, ml, RDD, Window } from 'rivulet';

/** Lines of a module before the reader's text. */
export const LINES_BEFORE = 1;

/** Statements of a text, with where each begins; semicolons in strings and comments part nothing. */
export function statements(text) {
  const found = [];
  let from = 0;
  const pieces = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|;/g;
  const add = (to) => {
    const statement = text.slice(from, to);
    if (statement.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim()) found.push({ from, text: statement });
  };
  for (const { 0: piece, index } of text.matchAll(pieces)) {
    if (piece !== ';') continue;
    add(index);
    from = index + 1;
  }
  add(text.length);
  return found;
}

/** The DataFrame of the last statement. An error says in `offset` where its statement begins. */
export async function runSql(spark, text) {
  let df;
  for (const statement of statements(text)) {
    try {
      df = await spark.sql(statement.text);
    } catch (error) {
      throw Object.assign(error, { statement });
    }
  }
  if (!df) throw new Error('Write a query first');
  return df;
}

/** What a program of JavaScript returns: a DataFrame, or rows. */
export async function runJavaScript(spark, text, show) {
  const scope = { spark, sc: spark.sparkContext, F, Window, ml, show };
  const source = `export default async ({ ${Object.keys(scope).join(', ')} }) => {\n${text}\n};`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  try {
    const { default: program } = await import(url);
    const value = await program(scope);
    if (value instanceof DataFrame) return value;
    return asRows(value instanceof RDD ? await value.take(100_000) : value);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Any value as rows. */
function asRows(value) {
  if (value === undefined) return [];
  const items = value instanceof Map ? [...value] : Array.isArray(value) ? value : [value];
  return items.map((item) =>
    item !== null && typeof item === 'object' && !Array.isArray(item) && !(item instanceof Date) ? item : { value: item },
  );
}
