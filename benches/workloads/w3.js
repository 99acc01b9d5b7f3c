// W3: three group-bys over a table of ten Arrow streams, with its load. `a` has an integer key with 100,000 values, `b` a string with
// 100, `c` both a string and an integer with 10,000 pairs. Whole answers come to the page.
import { arrays, stream } from './arrow.js';
import { random } from './random.js';

const STREAMS = 10;
export const LABELS = 100;

const table = {
  name: 'table',
  rows: (scale) => STREAMS * Math.round(1_000_000 * scale),
  *batches(scale) {
    const draw = random(3);
    const labels = Array.from({ length: LABELS }, (_, i) => `id${String(i + 1).padStart(3, '0')}`);
    for (let n = 0; n < STREAMS; n++) {
      const length = this.rows(scale) / STREAMS;
      const whole = (below, from = 0) => ['int', Int32Array.from({ length }, () => from + draw(below))];
      yield stream({
        k: whole(100_000),
        s: ['code', Array.from({ length }, () => labels[draw(LABELS)])],
        j: whole(100),
        v: whole(5, 1),
        w: ['double', Float64Array.from({ length }, () => draw(1e8) / 1e6)],
      });
    }
  },
};

/** Returns the entry of `key`, made at first use. */
function entryOf(map, key, make) {
  let entry = map.get(key);
  if (!entry) map.set(key, (entry = make()));
  return entry;
}

function reference({ table }, clock) {
  const parts = table.map((bytes) => arrays(bytes, ['k', 's', 'j', 'v', 'w']));
  clock?.lap('load');
  const byKey = new Map();
  for (const { length, k, v, w } of parts) {
    for (let i = 0; i < length; i++) {
      const entry = entryOf(byKey, k[i], () => ({ n: 0, v: 0, w: 0, min: Infinity, max: -Infinity }));
      entry.n += 1;
      entry.v += v[i];
      entry.w += w[i];
      entry.min = Math.min(entry.min, w[i]);
      entry.max = Math.max(entry.max, w[i]);
    }
  }
  clock?.lap('a');
  const byLabel = new Map();
  for (const { length, s, v, w } of parts) {
    for (let i = 0; i < length; i++) {
      const entry = entryOf(byLabel, s[i], () => ({ n: 0, v: 0, w: 0 }));
      entry.n += 1;
      entry.v += v[i];
      entry.w += w[i];
    }
  }
  clock?.lap('b');
  const byBoth = new Map();
  for (const { length, s, j, w } of parts) {
    for (let i = 0; i < length; i++) {
      const entry = entryOf(
        entryOf(byBoth, s[i], () => new Map()),
        j[i],
        () => ({ n: 0, w: 0 }),
      );
      entry.n += 1;
      entry.w += w[i];
    }
  }
  clock?.lap('c');
  const both = [...byBoth].flatMap(([s, inner]) => [...inner].map(([j, { n, w }]) => ({ s, j, n, w })));
  return {
    a: [...byKey].map(([k, { n, v, w, min, max }]) => ({ k, n, v, mean: w / n, min, max })),
    b: [...byLabel].map(([s, { n, v, w }]) => ({ s, n, v, mean: w / n })),
    c: both,
  };
}

export const W3 = {
  title: 'group-bys, with load',
  inputs: { table },
  rows: table.rows,
  keys: ['k', 's', 'j'],
  reference,
};
