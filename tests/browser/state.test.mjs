// Functions over groups in Chromium: what mistakes are told, and state for which there is no memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, inPage, PRIVATE_FILES } from './harness.mjs';

const page = browser();

test('mistakes with functions over groups are told at the call, or with the group, and the session goes on', async () => {
  const said = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const df = spark.createDataFrame(
      [
        ['a', 1],
        ['b', 2],
      ],
      'k STRING, v INT',
    );
    const groups = df.groupByKey('k');
    const schema = { outputSchema: 'k STRING, n INT' };
    const tries = {
      fine: () =>
        groups.flatMapGroupsWithState((key, rows, state, { add }) => [{ k: key.k, n: rows[0].v + add }], schema, { add: 7 }).collect(),
      number: () => groups.flatMapGroupsWithState(7, schema),
      async: () => groups.flatMapGroupsWithState(async () => [], schema),
      class: () => groups.mapGroupsWithState(class Counter {}, schema),
      function: () => groups.transformWithState(() => {}, schema),
      extends: () => groups.transformWithState(class extends Array {}, schema),
      schema: () => groups.mapGroupsWithState(() => ({}), {}),
      options: () => groups.flatMapGroupsWithState(() => []),
      timeout: () => groups.flatMapGroupsWithState(() => [], { ...schema, timeout: 'never' }).collect(),
      column: () =>
        df
          .groupByKey('nope')
          .flatMapGroupsWithState(() => [], schema)
          .collect(),
      bound: () => groups.flatMapGroupsWithState(() => [], schema, { f: () => 1 }),
      row: () => groups.flatMapGroupsWithState((key) => [{ k: key.k, n: 'x' }], schema).collect(),
      throws: () =>
        groups
          .flatMapGroupsWithState((key) => {
            throw new RangeError(`no ${key.k}`);
          }, schema)
          .collect(),
      free: () => groups.flatMapGroupsWithState(() => [{ k: tries.x }], schema).collect(),
      methods: () =>
        groups
          .transformWithState(
            class {
              init() {}
            },
            schema,
          )
          .collect(),
      state: () =>
        groups
          .flatMapGroupsWithState((key, rows, state) => {
            state.update(() => 1);
            return [];
          }, schema)
          .collect(),
      afterwards: () => df.count(),
    };
    const said = {};
    for (const [name, f] of Object.entries(tries)) {
      try {
        said[name] = await f();
      } catch (error) {
        said[name] = `${error.name}: ${error.message}`;
      }
    }
    await spark.stop();
    return said;
  });
  assert.deepEqual(said.fine, [
    { k: 'a', n: 8 },
    { k: 'b', n: 9 },
  ]);
  const expected = {
    number: /needs a function, or \{ module, export \}, got number/,
    async: /is async/,
    class: /Counter is a class, not a function/,
    function: /what was given is a function, not a class/,
    extends: /extends another does not travel/,
    schema: /mapGroupsWithState needs \{ outputSchema \}/,
    options: /flatMapGroupsWithState needs \{ outputSchema \}/,
    timeout: /Unknown timeout.*never/,
    column: /UNRESOLVED_COLUMN.*`nope`/,
    bound: /the function f cannot be sent.*at \.f/,
    row: /flatMapGroupsWithState: a row of the function does not fit its schema \(k STRING,n INT\): Column n, row 0: x \(string\)/,
    throws: /RangeError: no a \(in flatMapGroupsWithState, group \{"k":"a"\}\)/,
    free: /flatMapGroupsWithState: the function .* uses `tries`, which it cannot see/,
    methods: /this one has no handleInputRows \(in init\)/,
    state: /the function .* cannot be sent.*group \{"k":"a"\}/,
  };
  for (const [name, words] of Object.entries(expected)) assert.match(said[name], words, name);
  assert.equal(said.afterwards, 2);
});

test("state without memory waits in the executors' files, and counts are those of a model", PRIVATE_FILES, async () => {
  const { counts, held, rows } = await inPage(page, async () => {
    const { SparkSession } = await import('rivulet');
    const spark = await SparkSession.builder
      .master('local[2]')
      .config('spark.sql.shuffle.partitions', 4)
      .config('spark.rivulet.executor.stateMemory', '1')
      .create();
    const { df, write } = spark.readStream.push({ schema: 'k BIGINT', format: 'json' });
    const counts = new Map();
    const query = await df
      .groupBy('k')
      .count()
      .writeStream.outputMode('update')
      .foreachBatch(async (batch) => {
        for (const { k, count } of await batch.collect()) counts.set(Number(k), Number(count));
      })
      .start();
    for (let n = 0; n < 5; n++) {
      await write(Array.from({ length: 3_000 }, (_, i) => ({ k: (i * (n + 1)) % 2_000 })));
      await query.processAllAvailable();
    }
    const rows = (await query.lastProgress()).stateOperators[0].numRowsTotal;
    // What the files of this session's executors hold, each of them live.
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('rivulet-spill');
    const held = [];
    for await (const file of folder.values()) held.push((await file.getFile()).size);
    await query.stop();
    await spark.stop();
    return { counts: [...counts], held, rows };
  });
  const expected = new Map();
  for (let n = 0; n < 5; n++)
    for (let i = 0; i < 3_000; i++) expected.set((i * (n + 1)) % 2_000, (expected.get((i * (n + 1)) % 2_000) ?? 0) + 1);
  assert.deepEqual(new Map(counts), expected);
  assert.equal(rows, 2_000);
  assert.equal(held.filter((bytes) => bytes > 1_000).length, 2, JSON.stringify(held));
});
