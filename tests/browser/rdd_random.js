// Random programs over datasets of whole numbers, each beside a model over one plain array.

/** A small seeded generator: `random(n)` is in 0 … n − 1. */
export function randomOf(seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const LARGE = 1_000_003;
const byNumber = (a, b) => a - b;
const once = (values) => [...new Set(values)];
const groups = (values, m) => {
  const out = new Map();
  for (const v of values) out.set(v % m, [...(out.get(v % m) ?? []), v]);
  return out;
};

/** Steps: each takes a dataset and its model, and gives both. Numbers stay in 0 … LARGE − 1. */
const STEPS = [
  (rdd, model, random) => {
    const [a, b] = [1 + random(50), random(50)];
    return [rdd.map((x, p) => (x * p.a + p.b) % p.large, { a, b, large: LARGE }), model.map((x) => (x * a + b) % LARGE)];
  },
  (rdd, model, random) => {
    const k = 2 + random(4);
    return [rdd.filter((x, p) => x % p.k !== 0, { k }), model.filter((x) => x % k !== 0)];
  },
  (rdd, model) => [
    rdd.flatMap((x) => Array.from({ length: x % 3 }, (_, i) => x + i)),
    model.flatMap((x) => Array.from({ length: x % 3 }, (_, i) => x + i)),
  ],
  (rdd, model) => [rdd.distinct(), once(model)],
  (rdd, model, random) => [rdd.distinct(1 + random(5)), once(model)],
  (rdd, model, random) => [rdd.repartition(1 + random(6)), model],
  (rdd, model, random) => [rdd.coalesce(1 + random(4)), model],
  (rdd, model, random) => [rdd.union(rdd.filter((x) => x % 2 === 0)), [...model, ...model.filter((x) => x % 2 === 0)]],
  (rdd, model, random) => [rdd.sortBy((x) => -x, random(2) === 0, 1 + random(5)), model],
  (rdd, model, random) => {
    const m = 1 + random(20);
    const sums = [...groups(model, m)].map(([k, vs]) => (k * 31 + vs.reduce((a, b) => (a + b) % LARGE)) % LARGE);
    return [
      rdd
        .map((x, p) => [x % p.m, x], { m })
        .reduceByKey((a, b, p) => (a + b) % p.large, 1 + random(4), { large: LARGE })
        .map(([k, v], p) => (k * 31 + v) % p.large, { large: LARGE }),
      sums,
    ];
  },
  (rdd, model, random) => {
    const m = 1 + random(20);
    return [
      rdd
        .groupBy((x, p) => x % p.m, 1 + random(4), { m })
        .mapValues((vs) => vs.length)
        .map(([k, n]) => k * 1000 + n),
      [...groups(model, m)].map(([k, vs]) => k * 1000 + vs.length),
    ];
  },
  (rdd, model, random) => {
    const m = 5 + random(30);
    const [left, right] = [
      groups(model, m),
      groups(
        model.filter((x) => x % 3 === 0),
        m,
      ),
    ];
    const joined = [...left].flatMap(([k, as]) => as.flatMap((a) => (right.get(k) ?? []).map((b) => (a * 7 + b) % LARGE)));
    if (joined.length > 4_000) return [rdd, model];
    const pairs = rdd.keyBy((x, p) => x % p.m, { m });
    return [
      pairs
        .join(
          pairs.filter(([, x]) => x % 3 === 0),
          1 + random(4),
        )
        .values()
        .map(([a, b], p) => (a * 7 + b) % p.large, { large: LARGE }),
      joined,
    ];
  },
  (rdd, model, random) => {
    const k = 2 + random(3);
    const other = new Set(model.filter((x) => x % k === 0));
    return random(2) === 0
      ? [rdd.subtract(rdd.filter((x, p) => x % p.k === 0, { k })), model.filter((x) => !other.has(x))]
      : [rdd.intersection(rdd.filter((x, p) => x % p.k === 0, { k })), once(model.filter((x) => other.has(x)))];
  },
  (rdd, model, random) => {
    const m = 1 + random(9);
    const sums = [...groups(model, m)].map(([k, vs]) => k + vs.length + Math.max(...vs));
    return [
      rdd
        .keyBy((x, p) => x % p.m, { m })
        .aggregateByKey(
          [0, -1],
          (c, v) => [c[0] + 1, Math.max(c[1], v)],
          (a, b) => [a[0] + b[0], Math.max(a[1], b[1])],
        )
        .map(([k, [n, max]]) => k + n + max),
      sums,
    ];
  },
  (rdd, model, random) => [rdd.getStorageLevel() ? rdd : rdd.persist(['MEMORY_ONLY', 'MEMORY_AND_DISK', 'DISK_ONLY'][random(3)]), model],
  (rdd, model) => [rdd.mapPartitions((rows) => [...rows].reverse()), model],
];

/** A random program: the dataset, and what it must hold. */
export function randomProgram(sc, seed) {
  const random = randomOf(seed);
  let model = Array.from({ length: random(60) }, () => random(200));
  let rdd = sc.parallelize(model, 1 + random(5));
  for (let steps = 1 + random(6); steps > 0; steps--) [rdd, model] = STEPS[random(STEPS.length)](rdd, model, random);
  return { rdd, model };
}

/** Runs it and says how it differs from its model; undefined when it does not. */
export async function checkProgram(sc, seed) {
  const { rdd, model } = randomProgram(sc, seed);
  const wanted = JSON.stringify(model.slice().sort(byNumber));
  const found = JSON.stringify((await rdd.collect()).sort(byNumber));
  if (found !== wanted) return `seed ${seed}: ${found.slice(0, 300)} instead of ${wanted.slice(0, 300)}\n${rdd.toDebugString()}`;
  const count = await rdd.count();
  return count === model.length ? undefined : `seed ${seed}: count ${count} instead of ${model.length}`;
}
