// Answers in a form that can be compared: an answer is a table, or tables by name; a table is an object of columns or an array of rows.

const TOLERANCE = 1e-9;

/** Returns whether values are a column: at least one of them is not an object. */
const isColumn = (values) => ArrayBuffer.isView(values) || (Array.isArray(values) && typeof values[0] !== 'object');

function tablesOf(answer) {
  if (Array.isArray(answer) || Object.values(answer).every(isColumn)) return { answer };
  return answer;
}

function columnsOf(table) {
  if (!Array.isArray(table)) return table;
  const names = Object.keys(table[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, table.map((row) => row[name])]));
}

/** Returns a number between 1 and 2 that depends on all of a row's keys. */
function weight(values) {
  let hash = 0x811c9dc5;
  for (const value of values) {
    const text = `${value};`;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619);
  }
  return 1 + ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

/** Returns an answer that has work of its own to be made: it is a function, or a promise of one. */
export async function made(answer) {
  const found = await answer;
  return typeof found === 'function' ? found() : found;
}

/**
 * Returns the facts of an answer: by table the number of rows, the sum of what rows weigh by their keys, and the sum of each other
 * column weighted so. The order of rows does not matter.
 */
export function digest(answer, keys) {
  const facts = {};
  for (const [name, table] of Object.entries(tablesOf(answer))) {
    const columns = columnsOf(table);
    const values = Object.keys(columns).filter((column) => !keys.includes(column));
    const named = keys.filter((key) => key in columns).map((key) => columns[key]);
    const length = Object.values(columns)[0]?.length ?? 0;
    const sums = { rows: length, keys: 0, ...Object.fromEntries(values.map((column) => [column, 0])) };
    for (let i = 0; i < length; i++) {
      const w = weight(named.map((column) => column[i]));
      sums.keys += w;
      for (const column of values) sums[column] += w * Number(columns[column][i]);
    }
    for (const [fact, sum] of Object.entries(sums)) facts[`${name}.${fact}`] = sum;
  }
  return facts;
}

/** Returns the first difference between two digests in words, or undefined. */
export function difference(expected, actual, tolerance = TOLERANCE) {
  for (const fact of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const [a, b] = [expected[fact], actual[fact]];
    if (!(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a)))) return `${fact} is ${b} instead of ${a}`;
  }
  return undefined;
}
