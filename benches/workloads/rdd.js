// RDDs: word count over 100 MB of text, reduceByKey of 5,000,000 pairs, a join of 1,000,000 with 100,000 pairs, a sort of 5,000,000
// numbers. But for the words each contender makes its own data, so that the clock sees the same work everywhere.
import { random } from './random.js';

const VOCABULARY = 20_000;
const LINES_PER_BATCH = 20_000;
const sizes = (scale) => ({
  bytes: Math.round(100e6 * scale),
  pairs: Math.round(5e6 * scale),
  keys: Math.round(1e5 * scale),
  left: Math.round(1e6 * scale),
  right: Math.round(1e5 * scale),
  numbers: Math.round(5e6 * scale),
});

/** Lines of some 12 words, frequent ones more often. */
const words = {
  name: 'words',
  *batches(scale) {
    const draw = random(12);
    const names = Array.from({ length: VOCABULARY }, (_, i) => `w${((i * 7_919) % VOCABULARY).toString(36)}`);
    const one = () => names[Math.floor(VOCABULARY * (draw(1e9) / 1e9) ** 2)];
    for (let left = sizes(scale).bytes; left > 0; ) {
      const count = Math.min(LINES_PER_BATCH, Math.ceil(left / 50));
      const lines = Array.from({ length: count }, () => Array.from({ length: 8 + draw(8) }, one).join(' '));
      const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`);
      yield bytes;
      left -= bytes.length;
    }
  },
};

/** Returns a whole number spread over 32 bits. */
export const mixed = (i) => Math.imul(i ^ (i >>> 15), 0x2c1b3c6d) >>> 0;
export const MODULUS = 1_000_003;
export const TOP = 10;

/** Facts about a sorted run: first, last, length, whether it ascends, and a checksum that any order has. */
export function look(rows) {
  let [first, last, count, ascends, check] = [undefined, -Infinity, 0, true, 0];
  for (const x of rows) {
    if (count++ === 0) first = x;
    if (x < last) ascends = false;
    check += Math.floor(x) % 1000;
    last = x;
  }
  return count > 0 ? [[first, last, count, ascends, check]] : [];
}

/** Returns the same facts about runs one after the other. */
export const ordered = (runs) => ({
  first: [runs[0][0]],
  last: [runs.at(-1)[1]],
  count: [runs.reduce((sum, run) => sum + run[2], 0)],
  ascends: [Number(runs.every(([first, , , ascends], i) => ascends && (i === 0 || runs[i - 1][1] <= first)))],
  check: [runs.reduce((sum, run) => sum + run[4], 0)],
});

export const counted = (distinct, top) => ({ top, distinct: top.map(() => distinct), rank: top.map((_, i) => i) });
export const checked = (count, check) => ({ count: [count], check: [check] });

/** Returns the text as a file of the user's would be: read when asked for. */
export const asFile = (batches, clock) => {
  const file = new Blob(batches);
  clock?.start();
  return file;
};

const references = {
  async wordcount({ words }, clock) {
    const counts = new Map();
    for (const line of (await asFile(words, clock).text()).split('\n')) {
      if (line === '') continue;
      for (const one of line.split(' ')) counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    const top = [...counts.values()].sort((a, b) => b - a).slice(0, TOP);
    return counted(counts.size, top);
  },
  reduce({ sizes: { pairs, keys } }) {
    const sums = new Map();
    for (const [key, value] of Array.from({ length: pairs }, (_, i) => [mixed(i) % keys, i % 100]))
      sums.set(key, (sums.get(key) ?? 0) + value);
    let check = 0;
    for (const [key, sum] of sums) check = (check + key * sum) % MODULUS;
    return checked(sums.size, check);
  },
  join({ sizes: { left, right } }) {
    const pairs = Array.from({ length: left }, (_, i) => [mixed(i) % right, i]);
    const byKey = new Map();
    for (const [key, value] of Array.from({ length: right }, (_, i) => [i, i * 3])) byKey.set(key, [...(byKey.get(key) ?? []), value]);
    const joined = pairs.flatMap(([key, value]) => (byKey.get(key) ?? []).map((other) => [key, [value, other]]));
    return checked(
      joined.length,
      joined.reduce((check, [, [value, other]]) => (check + value + other) % MODULUS, 0),
    );
  },
  sort({ sizes: { numbers } }) {
    const values = Array.from({ length: numbers }, (_, i) => mixed(i) / 7);
    values.sort((a, b) => a - b);
    return ordered(look(values));
  },
};

const job = (title, name, rows, inputs) => ({
  title: `RDD, ${title}`,
  inputs,
  make: (scale) => ({ sizes: sizes(scale) }),
  rows: (scale) => sizes(scale)[rows],
  keys: ['rank'],
  reference: references[name],
});
export const wordcount = job('word count', 'wordcount', 'bytes', { words });
export const reduce = job('reduceByKey', 'reduce', 'pairs');
export const join = job('join', 'join', 'left');
export const sort = job('sort', 'sort', 'numbers');
