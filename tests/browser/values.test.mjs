// JavaScript's values on their way into tables, streams and literals, and back: exact, or refused by an error that says which.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as arrow from '../../src/js/node_modules/@uwdata/flechette/src/index.js';
import { browser, PRIVATE_FILES } from './harness.mjs';

const shared = browser();
let opened;

/** The page of this file, which has a session and what the tests share. */
async function open() {
  const page = await shared.open();
  await page.evaluate(async () => {
    const { SparkSession, functions, ml } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    let streams = 0;
    /** Maps as entries, and instances as their kind: the rest passes between page and test as it is. */
    const plain = (value) => {
      if (value instanceof Map) return { map: [...value].map(([k, v]) => [plain(k), plain(v)]) };
      if (value instanceof Uint8Array) return { bytes: [...value] };
      if (value instanceof Date) return value.toISOString();
      if (Array.isArray(value)) return value.map(plain);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
    };
    const told = async (work) => {
      try {
        return plain(await work());
      } catch (error) {
        return error.condition ? `${error.condition}: ${error.message}` : `untyped: ${error}`;
      }
    };
    const table = (rows, schema) => spark.createDataFrame(rows, schema).collect();
    const push = async (data, schema, format) => {
      const { df, write } = spark.readStream.push({ schema, format });
      const name = `pushed_${streams++}`;
      const query = await df.writeStream.format('memory').queryName(name).start();
      try {
        await write(data);
        await query.processAllAvailable();
        return await spark.table(name).collect();
      } finally {
        await query.stop();
      }
    };
    /** The rows by every way in. */
    const ways = async (rows, schema) => ({
      table: await told(() => table(rows, schema)),
      arrow: await told(() => push(rows, schema, 'arrow')),
      json: await told(() => push(rows, schema, 'json')),
    });
    Object.assign(globalThis, { spark, F: functions, ml, told, table, push, ways });
  });
  return page;
}

/** What `work` finds in the page, which has `spark`, `F`, `ml`, `told`, `table`, `push` and `ways`. */
const inPage = async (work, arg) => {
  opened ??= open();
  return (await opened).evaluate(work, arg);
};

/** All three ways in have the same rows. */
const alike = (rows) => ({ table: rows, arrow: rows, json: rows });

test('whole numbers beyond their type are refused with column, row, value and type, however they come', async () => {
  const found = await inPage(async () => {
    const tries = {};
    const values = {
      TINYINT: [128, -129n],
      SMALLINT: [40_000],
      INT: [2 ** 31, 1e19],
      BIGINT: [2n ** 63n, -(2n ** 63n) - 1n, 2 ** 53, 1e19],
    };
    for (const [type, all] of Object.entries(values))
      for (const a of all) tries[`${type} ${a}`] = await ways([{ a: 1 }, { a }], `a ${type}`);
    for (const a of [1.5, NaN, Infinity]) tries[`INT ${a}`] = await ways([{ a: 1 }, { a }], 'a INT');
    return tries;
  });
  assert.equal(Object.keys(found).length, 12);
  for (const [name, answers] of Object.entries(found)) {
    const [type, value] = name.toLowerCase().split(' ');
    const condition = /^(1\.5|nan|infinity)$/.test(value) ? 'CANNOT_ACCEPT_OBJECT_IN_TYPE' : 'VALUE_OUT_OF_BOUNDS';
    for (const answer of Object.values(answers)) {
      assert.match(String(answer), new RegExp(`^${condition}: Column a, row 1: .* is not a value of type ${type}\\b`), name);
      assert.ok(answer.toLowerCase().includes(value), answer);
    }
  }
});

test('structs within arrays and maps come as they are, and the place of a value within them is told', async () => {
  const [row] = await inPage(async () => {
    const rows = [{ a: [{ b: 1 }], m: { x: { c: [2n] } } }];
    const schema = 'a ARRAY<STRUCT<b: TINYINT>>, m MAP<STRING, STRUCT<c: ARRAY<BIGINT>>>';
    const dataset = spark.sparkContext.parallelize(rows, 1);
    return [{ ...(await ways(rows, schema)), dataset: await told(() => table(dataset, schema)) }];
  });
  const rows = [{ a: [{ b: 1 }], m: { map: [['x', { c: [2] }]] } }];
  assert.deepEqual(row, { ...alike(rows), dataset: rows });
  const told = await inPage(() => globalThis.told(() => table([{ a: [{ b: 1 }, { b: 300 }] }], 'a ARRAY<STRUCT<b: TINYINT>>')));
  assert.match(told, /^VALUE_OUT_OF_BOUNDS: Column a\[1\]\.b, row 0: 300 \(number\) .* must be between -128 and 127/);
});

test('a bigint keeps all digits in tables, streams and literals', async () => {
  const big = 2n ** 53n + 1n;
  const found = await inPage(async (big) => {
    const rows = [{ a: big, l: [big, 1n], m: { x: big }, s: { d: -big } }];
    const df = spark.createDataFrame([{ id: big }, { id: big - 1n }], 'id BIGINT');
    const one = async (df) => (await df.collect()).map(({ id }) => id);
    return {
      ways: await ways(rows, 'a BIGINT, l ARRAY<BIGINT>, m MAP<STRING, BIGINT>, s STRUCT<d: DECIMAL(20,0)>'),
      eq: await one(df.filter(F.col('id').eq(big))),
      isin: await one(df.filter(F.col('id').isin(big, 5))),
      between: await one(df.filter(F.col('id').between(big, big))),
      when: await one(
        df.limit(1).select(
          F.when(F.lit(true), big + 1n)
            .otherwise(0n)
            .alias('id'),
        ),
      ),
      fill: await one(spark.createDataFrame([{ id: null }], 'id BIGINT').na.fill(big)),
      beyond: await told(() => F.lit(2n ** 63n)),
      range: await one(spark.range(big, big + 1n)),
      rangeBeyond: await told(() => spark.range(2n ** 63n)),
      limit: await told(() =>
        spark
          .range(3)
          .limit(2 ** 31)
          .count(),
      ),
    };
  }, big);
  assert.deepEqual(found.ways, alike([{ a: big, l: [big, 1], m: { map: [['x', big]] }, s: { d: `-${big}` } }]));
  for (const way of ['eq', 'isin', 'between', 'fill', 'range']) assert.deepEqual(found[way], [big], way);
  assert.deepEqual(found.when, [big + 1n]);
  for (const way of ['beyond', 'rangeBeyond', 'limit']) assert.match(found[way], /^VALUE_OUT_OF_BOUNDS: \d+ \((bigint|number)\)/, way);
});

test('decimals are exact or refused, and text that is not a number is not zero', async () => {
  const found = await inPage(async () => {
    const answers = {};
    for (const a of ['1.5', '1.500', 0.1, -7n, '1e-2', '1.505', 1000, 0.1 + 0.2, '', '.', NaN, 1e21])
      answers[`${a}`] = await ways([{ a }], 'a DECIMAL(5,2)');
    answers.long = await ways([{ a: '12345678901234567890123456789.123456789' }], 'a DECIMAL(38,9)');
    return answers;
  });
  const exact = {
    1.5: '1.50',
    '1.500': '1.50',
    0.1: '0.10',
    '-7': '-7.00',
    '1e-2': '0.01',
    long: '12345678901234567890123456789.123456789',
  };
  for (const [value, answers] of Object.entries(found)) {
    if (value in exact) assert.deepEqual(answers, alike([{ a: exact[value] }]), value);
    else
      for (const way of Object.values(answers))
        assert.match(String(way), /^(VALUE_OUT_OF_BOUNDS|CANNOT_ACCEPT_OBJECT_IN_TYPE): Column a, row 0: /, value);
  }
});

test('NaN, infinities and the zero below zero stay what they are', async () => {
  const found = await inPage(async () => ({
    ways: await ways(
      [
        { d: NaN, f: -0 },
        { d: -Infinity, f: Infinity },
        { d: -0, f: NaN },
        { d: 5e-324, f: 0.5 },
      ],
      'd DOUBLE, f FLOAT',
    ),
    parts: await ways([{ a: Float64Array.of(NaN, -0), m: { x: -Infinity } }], 'a ARRAY<DOUBLE>, m MAP<STRING, DOUBLE>'),
    inferred: await table([{ a: -0 }]),
    literal: await spark.range(1).select(F.lit(-0).alias('z'), F.lit(NaN).alias('n')).collect(),
    filled: await spark
      .createDataFrame([{ a: null }], 'a DOUBLE')
      .na.fill(-0)
      .collect(),
    tooLarge: await told(() => table([{ f: 1e300 }], 'f FLOAT')),
    inexact: await told(() => table([{ d: 2n ** 53n + 1n }], 'd DOUBLE')),
  }));
  assert.deepEqual(
    found.ways,
    alike([
      { d: NaN, f: -0 },
      { d: -Infinity, f: Infinity },
      { d: -0, f: NaN },
      { d: 5e-324, f: 0.5 },
    ]),
  );
  assert.deepEqual(found.parts, alike([{ a: [NaN, -0], m: { map: [['x', -Infinity]] } }]));
  assert.deepEqual([found.inferred, found.literal, found.filled], [[{ a: -0 }], [{ z: -0, n: NaN }], [{ a: -0 }]]);
  assert.match(found.tooLarge, /^VALUE_OUT_OF_BOUNDS: Column f, row 0: 1e\+300/);
  assert.match(found.inexact, /^CANNOT_ACCEPT_OBJECT_IN_TYPE: Column d, row 0: 9007199254740993 .*not exact/);
});

test('undefined, holes and missing members are null; maps, bytes and typed arrays are what their columns are', async () => {
  const found = await inPage(async () => {
    const holes = [1];
    holes.length = 3;
    const rows = [
      {
        m: new Map([
          ['x', 1],
          ['y', undefined],
        ]),
        b: Uint8Array.of(1, 255),
        a: holes,
        s: { bs: [Uint8Array.of(7), null] },
        n: undefined,
      },
    ];
    return {
      ways: await ways(rows, 'm MAP<STRING, INT>, b BINARY, a ARRAY<INT>, s STRUCT<bs: ARRAY<BINARY>>, n INT, o INT'),
      typed: await spark
        .createDataFrame([
          { a: Int8Array.of(1), b: Uint8Array.of(1), c: Float32Array.of(1), d: BigInt64Array.of(1n), e: Uint32Array.of(1) },
        ])
        .dtypes(),
      unkeyed: await told(() => push([{ m: new Map([[1, 1]]) }], 'm MAP<INT, INT>', 'json')),
    };
  });
  const row = {
    m: {
      map: [
        ['x', 1],
        ['y', null],
      ],
    },
    b: { bytes: [1, 255] },
    a: [1, null, null],
    s: { bs: [{ bytes: [7] }, null] },
    n: null,
    o: null,
  };
  assert.deepEqual(found.ways, alike([row]));
  const types = ['array<tinyint>', 'binary', 'array<float>', 'array<bigint>', 'array<bigint>'];
  assert.deepEqual(
    found.typed,
    types.map((type, i) => ['abcde'[i], type]),
  );
  assert.match(found.unkeyed, /^CANNOT_ACCEPT_OBJECT_IN_TYPE: .*keys are strings/);
});

test('dates and instants keep their days and microseconds, from year 1 to those beyond Date', async () => {
  const found = await inPage(async () => {
    const micros = async (rows) =>
      (await spark.createDataFrame(rows, 't TIMESTAMP').selectExpr('unix_micros(t) AS t').collect()).map(({ t }) => t);
    const one = async (sql) => (await spark.sql(`SELECT ${sql} AS x`)).collect();
    const at = [
      '0001-01-01T00:00:00.000Z',
      '1969-12-31T23:59:59.999Z',
      '9999-12-31T23:59:59.999Z',
      '+012031-04-05T06:07:08.000Z',
      '-000043-03-15T10:00:00.000Z',
    ];
    return {
      at: await ways(
        at.map((text) => ({ d: new Date(text), t: new Date(text), l: [new Date(text)] })),
        'd DATE, t TIMESTAMP, l ARRAY<TIMESTAMP>',
      ),
      micros: await micros([
        { t: 253_402_300_799_999_999n },
        { t: '2031-04-05 23:59:59.123456' },
        { t: '2031-04-05T00:00:00.5+05:30' },
        { t: -1n },
        { t: 1.5 },
      ]),
      invalid: await ways([{ t: new Date(NaN) }], 't TIMESTAMP'),
      texts: await Promise.all(['2031-02-30', 'yesterday', '2031-04-05T10:00:00.1234567Z'].map((t) => told(() => micros([{ t }])))),
      seconds: await Promise.all([1_700_000_000, 1.5].map((t) => told(() => push([{ t }], 't TIMESTAMP', 'json')))),
      literal: await told(() => F.lit(new Date(NaN))),
      nested: await told(() => one("array(TIMESTAMP'9999-12-31 23:59:59.999999')")),
      beyond: await Promise.all(
        ['timestamp_micros(9223372036854775807)', 'array(timestamp_micros(-9223372036854775808))'].map((sql) => told(() => one(sql))),
      ),
    };
  });
  const days = ['0001-01-01', '1969-12-31', '9999-12-31', '+12031-04-05', '-0043-03-15'];
  const instants = [
    '0001-01-01T00:00:00.000Z',
    '1969-12-31T23:59:59.999Z',
    '9999-12-31T23:59:59.999Z',
    '+012031-04-05T06:07:08.000Z',
    '-000043-03-15T10:00:00.000Z',
  ];
  assert.deepEqual(found.at, alike(days.map((d, i) => ({ d, t: instants[i], l: [instants[i]] }))));
  const micros = (text) => Date.parse(text) * 1000;
  assert.deepEqual(found.micros, [
    253_402_300_799_999_999n,
    micros('2031-04-05T23:59:59Z') + 123_456,
    micros('2031-04-04T18:30:00Z') + 500_000,
    -1,
    1500,
  ]);
  for (const way of Object.values(found.invalid)) assert.match(String(way), /^CANNOT_ACCEPT_OBJECT_IN_TYPE: Column t, row 0: Invalid Date/);
  for (const way of [...found.texts, found.literal]) assert.match(String(way), /^CANNOT_ACCEPT_OBJECT_IN_TYPE: /);
  assert.deepEqual(found.seconds[0], [{ t: '2023-11-14T22:13:20.000Z' }]);
  assert.match(String(found.seconds[1]), /^CANNOT_ACCEPT_OBJECT_IN_TYPE: .* whole seconds/);
  assert.deepEqual(found.nested, [{ x: ['9999-12-31T23:59:59.999Z'] }]);
  for (const way of found.beyond) assert.match(String(way), /^RIVULET_DATE_RANGE: .*\(column x\)/);
});

test('strings and names are kept as they are, and what UTF-8 cannot hold is refused', async () => {
  const found = await inPage(async () => {
    const odd = JSON.parse('{"__proto__": 1, "constructor": 2}');
    const entries = (rows) => (Array.isArray(rows) ? rows.flatMap((row) => Object.entries(row)) : rows);
    const schema = '`__proto__` INT, constructor INT, toString INT';
    const long = 'ä'.repeat(500_000);
    return {
      names: entries(await table([odd], schema)),
      pushedNames: entries(await push([odd], schema, 'json')),
      keys: await ways([{ m: JSON.parse('{"__proto__": 5, "": 6}') }], 'm MAP<STRING, INT>'),
      empty: await table([{ '': 1 }]),
      mark: await ways([{ a: '\ufeffx', l: ['\ufeffy'] }], 'a STRING, l ARRAY<STRING>'),
      markInDataset: await spark.sparkContext.parallelize(['\ufeffa', 'bc'], 1).collect(),
      isLongKept: (await table([{ s: long }], 's STRING'))[0].s === long,
      halves: [
        await ways([{ a: 'x\ud800' }], 'a STRING'),
        { literal: await told(() => F.lit('x\ud800')), text: await told(() => push('\ud800\n', 'value STRING', 'text')) },
      ],
    };
  });
  const names = [
    ['__proto__', 1],
    ['constructor', 2],
    ['toString', null],
  ];
  assert.deepEqual([found.names, found.pushedNames, found.empty], [names, names, [{ '': 1 }]]);
  assert.deepEqual(
    found.keys,
    alike([
      {
        m: {
          map: [
            ['__proto__', 5],
            ['', 6],
          ],
        },
      },
    ]),
  );
  assert.deepEqual(found.mark, alike([{ a: '\ufeffx', l: ['\ufeffy'] }]));
  assert.deepEqual(found.markInDataset, ['\ufeffa', 'bc']);
  assert.ok(found.isLongKept);
  for (const way of found.halves.flatMap(Object.values)) assert.match(String(way), /^CANNOT_ACCEPT_OBJECT_IN_TYPE: .*surrogate/s);
});

test('instances have their getters; functions, symbols and what is not a row are refused by name', async () => {
  const found = await inPage(async () => {
    class Point {
      #x = 3;
      get x() {
        return this.#x;
      }
      norm() {}
    }
    const circle = {};
    circle.inner = circle;
    return {
      ways: await ways([new Point()], 'x INT, norm INT').then(({ json, ...others }) => [json, ...Object.values(others)]),
      getters: await ways([new Point()], 'x INT'),
      inferred: await table([new Point()]),
      refused: await Promise.all(
        [{ a: function area() {} }, { a: Symbol('area') }].flatMap((row) =>
          ['a STRING', undefined].map((schema) => told(() => table([row], schema))),
        ),
      ),
      pushed: await told(() => push([{ a: Symbol('area') }], 'a STRING', 'json')),
      rows: await Promise.all(
        [5n, new Date(0), Promise.resolve(), new ArrayBuffer(2), 'text'].map((row) => told(() => table([row], 'a INT'))),
      ),
      parts: await Promise.all([new Date(0), new Set([1]), 5].map((s) => told(() => table([{ s }], 's STRUCT<a: INT>')))),
      tooLong: await told(() => table([[1, 2]], 'a INT')),
      circle: await told(() => table([circle])),
    };
  });
  for (const way of found.ways) assert.match(String(way), /^CANNOT_ACCEPT_OBJECT_IN_TYPE: Column norm, row 0: function norm/);
  assert.deepEqual([found.getters, found.inferred], [alike([{ x: 3 }]), [{ x: 3 }]]);
  for (const way of [...found.refused, found.pushed])
    assert.match(way, /^CANNOT_(ACCEPT_OBJECT_IN_TYPE|INFER_TYPE_FOR_FIELD): .*(function area|Symbol\(area\))/);
  for (const way of found.rows) assert.match(String(way), /^CANNOT_INFER_SCHEMA_FOR_TYPE: A row must be an object or an array, not /);
  for (const way of found.parts) assert.match(String(way), /^CANNOT_ACCEPT_OBJECT_IN_TYPE: Column s, row 0: /);
  assert.match(String(found.tooLong), /^FIELD_STRUCT_LENGTH_MISMATCH: Row 0: \[1,2\]/);
  assert.match(found.circle, /^CANNOT_INFER_TYPE_FOR_FIELD: .*500 levels/);
});

test('the columns of an Arrow table are found by name, and its values fit the schema', async () => {
  const ipc = (columns, types, format = 'stream') => [...arrow.tableToIPC(arrow.tableFromArrays(columns, { types }), { format })];
  const tables = {
    turned: ipc({ b: ['x', null], a: [1, 2] }, { a: arrow.int32(), b: arrow.utf8() }),
    wider: ipc({ c: [0, 0], b: ['x', null], a: [1n, 2n] }, { a: arrow.int64() }, 'file'),
    beyond: ipc({ b: ['x', 'y'], a: [1n, 2n ** 40n] }, { a: arrow.int64() }),
    missing: ipc({ q: ['x', 'y'], a: [1, 2] }, { a: arrow.int32() }),
  };
  const found = await inPage(async (tables) => {
    const answers = {};
    for (const [name, bytes] of Object.entries(tables))
      answers[name] = await told(() => push(Uint8Array.from(bytes), 'a INT, b STRING', 'arrow'));
    return answers;
  }, tables);
  const rows = [
    { a: 1, b: 'x' },
    { a: 2, b: null },
  ];
  assert.deepEqual([found.turned, found.wider], [rows, rows]);
  assert.match(found.beyond, /^VALUE_OUT_OF_BOUNDS: Column a, row 1: 1099511627776 /);
  assert.match(found.missing, /^RIVULET_ARROW_COLUMN_MISSING: .* column b /);
});

test('functions over groups, datasets and stages take and return exact values', PRIVATE_FILES, async () => {
  const found = await inPage(async () => {
    const { df, write } = spark.readStream.push({ schema: 'k STRING, v BIGINT' });
    const sums = df.groupByKey('k').flatMapGroupsWithState(
      (key, rows, state) => {
        const sum = (state.getOption()?.sum ?? 0n) + BigInt(rows[0].v);
        state.update({ sum });
        return [{ k: key.k, sum, zero: -0 }];
      },
      { outputMode: 'update', timeout: 'NoTimeout', outputSchema: 'k STRING, sum BIGINT, zero DOUBLE' },
    );
    const batches = [];
    const query = await sums.writeStream
      .outputMode('update')
      .foreachBatch(async (batch) => void batches.push(...(await batch.collect())))
      .start();
    for (const v of [2n ** 53n + 1n, 2n]) {
      await write([{ k: 'a', v }]);
      await query.processAllAvailable();
    }
    await query.stop();
    const rows = spark.sparkContext.parallelize([{ a: 1 }, { a: 2n ** 63n }], 1);
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('values', { create: true });
    await spark.sparkContext.parallelize([{ a: 2n ** 60n, m: new Map([['x', NaN]]) }], 1).saveAsTextFile(folder);
    const written = await (await (await folder.getFileHandle('part-00000')).getFile()).text();
    return {
      batches,
      written,
      dataset: await told(() => spark.createDataFrame(rows, 'a BIGINT').collect()),
      params: [await told(() => new ml.HashingTF().setNumFeatures(5n)), await told(() => new ml.HashingTF().setNumFeatures(2 ** 31))],
      vectors: [await told(() => ml.Vectors.sparse(3, [2 ** 32], [1])), await told(() => ml.Vectors.dense(1, undefined))],
      option: await told(() => spark.read.option('header', {})),
      fill: await told(() => spark.range(1).na.fill(new Date(0))),
      range: await told(() => spark.sparkContext.range(2 ** 53, 2 ** 53 + 4)),
    };
  });
  const sum = (n) => ({ k: 'a', sum: 2n ** 53n + n, zero: -0 });
  assert.deepEqual(found.batches, [sum(1n), sum(3n)]);
  assert.equal(found.written, '{"a":1152921504606846976,"m":{"x":NaN}}\n');
  assert.match(found.dataset, /^FAILED_EXECUTE_UDF: .*Column a, row 1: 9223372036854775808 \(bigint\) is not a value of type bigint/);
  for (const way of found.params) assert.match(String(way), /^RIVULET_INVALID_PARAM: .* given invalid value (5|2147483648)/);
  assert.match(String(found.vectors[0]), /^INVALID_VECTOR: /);
  assert.match(String(found.vectors[1]), /^CANNOT_ACCEPT_OBJECT_IN_TYPE: undefined/);
  assert.match(String(found.fill), /^NOT_EXPECTED_TYPE: /);
  assert.match(String(found.range), /^RIVULET_ILLEGAL_ARGUMENT: range: 9007199254740992/);
  assert.match(String(found.option), /^RIVULET_TYPE: The value of header must be/);
});
