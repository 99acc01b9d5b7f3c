// duckdb-wasm: SQL on tables that the page fills.
import { tableFromArrays } from 'apache-arrow';
import { COLLECT_SQL, COLLECTED } from '../../workloads/start.js';
import { Counts, drive } from '../../workloads/w5.js';
import { counted, filtered } from '../../workloads/w8.js';
import { Engine } from './engine.js';
import { nexmarkOf } from './nexmark.js';
import { trendsOf } from './trends.js';

const tablesOf = (engine) => ({
  async W3({ table }, clock) {
    await engine.drop('x');
    clock.start();
    for (const [i, bytes] of table.entries()) await engine.insert('x', bytes, i === 0);
    clock.lap('load');
    const a = await engine.columns(
      'SELECT k, count(*) AS n, sum(v)::DOUBLE AS v, avg(w) AS mean, min(w) AS min, max(w) AS max FROM x GROUP BY k',
    );
    clock.lap('a');
    const b = await engine.columns('SELECT s::VARCHAR AS s, count(*) AS n, sum(v)::DOUBLE AS v, avg(w) AS mean FROM x GROUP BY x.s');
    clock.lap('b');
    const c = await engine.columns('SELECT s::VARCHAR AS s, j, count(*) AS n, sum(w) AS w FROM x GROUP BY x.s, j');
    clock.lap('c');
    return { a, b, c };
  },

  async W6({ facts, dimensions }, clock) {
    await engine.drop('facts', 'dimensions');
    clock.start();
    await engine.insert('facts', facts[0]);
    await engine.insert('dimensions', dimensions[0]);
    clock.lap('load');
    return engine.columns('SELECT count(*)::DOUBLE AS n, sum(v * w) AS sum FROM facts JOIN dimensions USING (k)');
  },

  async cold({ rows }) {
    await engine.connection.insertArrowTable(tableFromArrays(rows), { name: 'cold', create: true });
    return engine.columns('SELECT k, count(*) AS n, sum(v) AS v FROM cold GROUP BY k');
  },

  async collect() {
    const columns = Object.entries(COLLECT_SQL).map(([name, sql]) => `${sql} AS ${name}`);
    const table = await engine.sql(`SELECT ${columns} FROM range(${COLLECTED}) AS r(id)`);
    return table.toArray().map((row) => row.toJSON());
  },
});

/** Micro-batches as large as what came during the one before; counts are kept by upsert into a table with a key. */
const latencyOf = (engine) => async (inputs, clock) => {
  const { keys, times } = inputs.events;
  await engine.sql('CREATE OR REPLACE TABLE counts(second INTEGER, key INTEGER, n INTEGER, PRIMARY KEY (second, key))');
  await engine.drop('batch');
  clock.start();
  let waiting;
  let busy = false;
  const work = async () => {
    busy = true;
    while (waiting) {
      const { from, to, visible } = waiting;
      waiting = undefined;
      const second = Int32Array.from({ length: to - from }, (_, i) => Math.floor(times[from + i] / 1_000));
      await engine.connection.insertArrowTable(tableFromArrays({ second, key: keys.slice(from, to) }), { name: 'batch', create: true });
      await engine.sql(`INSERT INTO counts SELECT second, key, count(*)::INTEGER FROM batch GROUP BY ALL
        ON CONFLICT (second, key) DO UPDATE SET n = counts.n + excluded.n`);
      await engine.columns('SELECT second, key, n FROM counts SEMI JOIN batch USING (second, key)');
      await engine.drop('batch');
      visible(to);
    }
    busy = false;
  };
  clock.latencies = await drive(inputs.events, (from, to, visible) => {
    waiting = { from: waiting?.from ?? from, to, visible };
    if (!busy) work();
  });
  const { second, key, n } = await engine.columns('SELECT second, key, n FROM counts');
  const counts = new Counts();
  second.forEach((at, i) => counts.set(at, key[i], n[i]));
  return counts.columns();
};

/** Micro-batches as large as what came during the one before: `work(i, keys)` runs one, and says what was seen. */
const eachBatch = ({ keys }, work) => {
  let waiting;
  let busy = false;
  const run = async () => {
    busy = true;
    while (waiting) {
      const { from, to } = waiting;
      waiting = undefined;
      await work(
        Int32Array.from({ length: to - from }, (_, i) => from + i),
        keys.slice(from, to),
      );
    }
    busy = false;
  };
  return (from, to) => {
    waiting = { from: waiting?.from ?? from, to };
    if (!busy) void run();
  };
};

const eachEventOf = (engine) => ({
  W8: ({ events }, clock) =>
    filtered(events, clock, async (saw) => {
      await engine.drop('batch');
      return eachBatch(events, async (i, key) => {
        await engine.connection.insertArrowTable(tableFromArrays({ i, key }), { name: 'batch', create: true });
        const passed = await engine.columns('SELECT i FROM batch WHERE key % 10 != 0');
        await engine.drop('batch');
        passed.i.forEach((number) => saw(number));
      });
    }),
  W8k: ({ events }, clock) =>
    counted(events, clock, async (saw) => {
      await engine.sql('CREATE OR REPLACE TABLE counts(key INTEGER PRIMARY KEY, n INTEGER)');
      await engine.drop('batch');
      return eachBatch(events, async (_, key) => {
        await engine.connection.insertArrowTable(tableFromArrays({ key }), { name: 'batch', create: true });
        await engine.sql(`INSERT INTO counts SELECT key, count(*)::INTEGER FROM batch GROUP BY ALL
          ON CONFLICT (key) DO UPDATE SET n = counts.n + excluded.n`);
        const changed = await engine.columns('SELECT key, n FROM counts SEMI JOIN batch USING (key)');
        await engine.drop('batch');
        changed.key.forEach((own, at) => saw(own, changed.n[at]));
      });
    }),
});

export default () => {
  const engine = new Engine();
  const trends = trendsOf(engine);
  return {
    start: () => engine.start(),
    stop: () => engine.stop(),
    runs: { ...trends, W2d: trends.W2, ...nexmarkOf(engine), ...tablesOf(engine), W5: latencyOf(engine), ...eachEventOf(engine) },
  };
};
