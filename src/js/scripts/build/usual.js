// What pages usually do, beside what the documentation shows: the first part of a release's engine has what runs here.

const VALUES = `(VALUES
  (1, 'ann', 'a tweet #one', 1.5D, 10.25, true, DATE'2026-01-02', TIMESTAMP'2026-01-02 03:04:05', array(1, 2, 3), map('a', 1), named_struct('x', 1, 'y', 'q')),
  (2, 'bob', NULL, -2.5D, 20.50, false, DATE'2026-02-03', TIMESTAMP'2026-02-03 04:05:06.789', array(4), map('b', 2, 'c', 3), named_struct('x', 2, 'y', NULL)),
  (3, 'ann', 'Two #one #two', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t(id, name, text, score, price, ok, day, at, list, pairs, thing)`;

/** Expressions over the columns of VALUES, a list for each kind. */
const EXPRESSIONS = [
  "id + 1; id - score; id * 2; id / 2; id % 2; -id; id div 2; price * 3; price + id; price / 3; score / 0.5; id > 1 AND score < 2 OR NOT ok; id = 1; name <> 'ann'; id <=> NULL; id BETWEEN 1 AND 2; name IN ('ann', 'carl'); text IS NULL; score IS NOT NULL",
  "CAST(id AS STRING); CAST(score AS INT); CAST(price AS DOUBLE); CAST(day AS TIMESTAMP); CAST(at AS DATE); CAST('2026-01-02' AS DATE); CAST('2026-01-02 03:04:05' AS TIMESTAMP); try_cast(name AS INT); CAST(ok AS STRING); CAST(id AS BIGINT); CAST(id AS DOUBLE); CAST('1.5' AS DECIMAL(10,2)); CAST(at AS STRING); CAST(list AS STRING); CAST(thing AS STRING)",
  "upper(name); lower(text); length(text); trim(text); ltrim(text); rtrim(text); concat(name, '-', text); name || text; concat_ws(',', name, text); substring(text, 2, 3); substr(text, 2); left(text, 2); right(text, 2); instr(text, '#'); locate('#', text); position('#' IN text); replace(text, '#', '@'); split(text, ' '); split_part(text, ' ', 1); initcap(text); reverse(text); repeat(name, 2); lpad(name, 5, '*'); rpad(name, 5, '*'); startswith(text, 'a'); endswith(text, 'e'); contains(text, 'one'); text LIKE '%one%'; text ILIKE '%ONE%'; text RLIKE '#[a-z]+'; regexp_replace(text, '#', ''); regexp_extract(text, '#([a-z]+)', 1); regexp_extract_all(text, '#([a-z]+)', 1); translate(text, 'ab', 'xy'); ascii(name); char(65); format_number(price, 2); format_string('%s is %d', name, id); printf('%05.2f', score); sentences('a b'); levenshtein(name, 'bob'); md5(name); sha2(name, 256); crc32(name); base64(CAST(name AS BINARY)); hex(id); encode(name, 'UTF-8'); hash(name); xxhash64(name); uuid() IS NULL",
  "abs(score); round(score, 1); bround(score); floor(score); ceil(score); sqrt(id); pow(id, 2); exp(id); ln(id); log(2, id); log10(id); sin(id); cos(id); atan2(id, 2); degrees(id); radians(id); sign(score); greatest(id, 2); least(id, 2); pmod(id, 2); mod(id, 2); rand(1) >= 0; randn(1) IS NOT NULL; isnan(score); nanvl(score, 0); coalesce(score, 0); nvl(score, 1); ifnull(text, ''); nullif(id, 1); if(ok, 1, 2); CASE WHEN id = 1 THEN 'one' WHEN id = 2 THEN 'two' ELSE 'more' END; CASE id WHEN 1 THEN 1.0 END; id & 1; id | 2; id ^ 3; shiftleft(id, 1); bin(id); conv('ff', 16, 10)",
  "current_date() IS NULL; current_timestamp() IS NULL; now() IS NULL; year(day); month(day); dayofmonth(day); dayofweek(day); dayofyear(day); quarter(day); weekofyear(day); hour(at); minute(at); second(at); extract(YEAR FROM at); date_part('month', at); date_add(day, 1); date_sub(day, 1); day + 1; day - DATE'2026-01-01'; datediff(day, DATE'2026-01-01'); add_months(day, 1); last_day(day); next_day(day, 'MON'); trunc(day, 'MM'); date_trunc('HOUR', at); date_format(at, 'yyyy-MM-dd HH:mm:ss'); to_date('2026-01-02'); to_date('02.01.2026', 'dd.MM.yyyy'); to_timestamp('2026-01-02 03:04:05'); to_timestamp('02/01/2026', 'dd/MM/yyyy'); unix_timestamp(at); from_unixtime(0); timestamp_seconds(1); timestamp_millis(1); unix_millis(at); months_between(at, TIMESTAMP'2026-01-01'); at + INTERVAL 1 DAY; at - INTERVAL '2' HOUR; at - at; make_date(2026, 1, 2); from_utc_timestamp(at, 'Europe/Berlin'); to_utc_timestamp(at, 'Europe/Berlin'); window_time(window(at, '1 minute')) IS NULL",
  "list[0]; size(list); element_at(list, 1); array_contains(list, 2); sort_array(list, false); array_sort(list); array_distinct(list); array_join(transform(list, x -> CAST(x AS STRING)), ','); slice(list, 1, 2); array_union(list, array(9)); array_except(list, array(1)); array_intersect(list, array(1)); array_position(list, 2); array_remove(list, 2); array_max(list); array_min(list); filter(list, x -> x > 1); transform(list, x -> x + 1); exists(list, x -> x > 1); forall(list, x -> x > 0); aggregate(list, 0, (a, x) -> a + x); zip_with(list, list, (a, b) -> a + b); flatten(array(list, list)); sequence(1, 3); concat(list, list); arrays_zip(list, list); array_repeat(1, 2); cardinality(list); pairs['a']; map_keys(pairs); map_values(pairs); map_entries(pairs); map_from_arrays(array('k'), array(1)); map_concat(pairs, map('z', 9)); map_filter(pairs, (k, v) -> v > 1); transform_values(pairs, (k, v) -> v + 1); map('k', 1); str_to_map('a:1,b:2'); thing.x; struct(id, name); named_struct('a', id); to_json(thing); from_json('{\"x\":1}', 'x INT'); get_json_object('{\"x\":[1]}', '$.x[0]'); from_csv('1,a', 'a INT, b STRING'); to_csv(thing); schema_of_json('{\"x\":1}'); typeof(list)",
];

/** Whole statements; `t` is a view of VALUES. */
const STATEMENTS = [
  "SELECT count(*), count(score), count(DISTINCT name), sum(id), sum(price), avg(score), min(name), max(at), min(thing), first(name), last(name), any_value(name), collect_list(id), collect_set(name), stddev(id), variance(id), stddev_pop(id), corr(id, score), covar_samp(id, score), percentile(id, 0.5), percentile_approx(id, 0.5), median(id), mode(name), approx_count_distinct(name), bool_and(ok), bool_or(ok), every(ok), max_by(name, id), min_by(name, id), count_if(id > 1), skewness(id), kurtosis(id), string_agg(name, ','), sum(DISTINCT id), sum(id) FILTER (WHERE ok) FROM t",
  'SELECT name, count(*) AS n, sum(score), avg(price), max(day) FROM t GROUP BY name HAVING n > 0 ORDER BY n DESC, name LIMIT 10',
  'SELECT name, ok, sum(id), grouping(name) FROM t GROUP BY CUBE(name, ok) ORDER BY 1, 2',
  'SELECT name, ok, sum(id) FROM t GROUP BY ROLLUP(name, ok)',
  'SELECT id, row_number() OVER (PARTITION BY name ORDER BY id), rank() OVER (ORDER BY name), dense_rank() OVER (ORDER BY name), ntile(2) OVER (ORDER BY id), lag(id) OVER (ORDER BY id), lead(id, 1, 0) OVER (ORDER BY id), sum(id) OVER (PARTITION BY name ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), avg(id) OVER (), first_value(id) OVER (ORDER BY id), last_value(id) OVER (ORDER BY id), percent_rank() OVER (ORDER BY id), cume_dist() OVER (ORDER BY id), max(id) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM t',
  'SELECT * FROM t a JOIN t b ON a.id = b.id',
  'SELECT * FROM t a LEFT JOIN t b ON a.id = b.id + 1',
  'SELECT * FROM t a RIGHT JOIN t b ON a.name = b.name AND a.id < b.id',
  'SELECT * FROM t a FULL OUTER JOIN t b ON a.id = b.id + 1',
  'SELECT * FROM t a LEFT SEMI JOIN t b ON a.id = b.id + 1',
  'SELECT * FROM t a LEFT ANTI JOIN t b ON a.id = b.id + 1',
  'SELECT a.id FROM t a CROSS JOIN t b',
  'SELECT a.id FROM t a JOIN t b USING (id)',
  'SELECT a.id, b.id FROM t a JOIN t b ON a.id < b.id',
  'SELECT id FROM t WHERE id IN (SELECT id + 1 FROM t)',
  'SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM t u WHERE u.id = t.id + 1)',
  'SELECT id, (SELECT max(id) FROM t) FROM t',
  'WITH u AS (SELECT id, name FROM t) SELECT u.id, count(*) FROM u GROUP BY ALL',
  'SELECT id FROM t UNION SELECT id + 1 FROM t',
  'SELECT id FROM t UNION ALL SELECT id FROM t',
  'SELECT id FROM t INTERSECT SELECT 1',
  'SELECT id FROM t EXCEPT SELECT 1',
  'SELECT DISTINCT name FROM t',
  'SELECT name, explode(list) FROM t',
  'SELECT name, posexplode(list) FROM t',
  "SELECT name, tag FROM t LATERAL VIEW explode(split(text, ' ')) e AS tag WHERE tag LIKE '#%'",
  'SELECT name, tag FROM t LATERAL VIEW OUTER explode(list) e AS tag',
  "SELECT inline(array(struct(1, 'a')))",
  "SELECT stack(2, 1, 'a', 2, 'b')",
  "SELECT * FROM t PIVOT (sum(id) FOR name IN ('ann', 'bob'))",
  "SELECT window.start, window.end, count(*) FROM t GROUP BY window(at, '10 minutes', '1 minute')",
  "SELECT session_window(at, '5 minutes'), count(*) FROM t GROUP BY 1",
  'SELECT * FROM t ORDER BY score DESC NULLS LAST, name ASC LIMIT 2 OFFSET 1',
  'SELECT * FROM range(10) WHERE id % 2 = 0',
  'SELECT * FROM VALUES (1, 2), (3, 4) AS v(a, b)',
  'CREATE OR REPLACE TEMPORARY VIEW v AS SELECT * FROM t',
  'SELECT * FROM v TABLESAMPLE (50 PERCENT)',
  'EXPLAIN SELECT name, count(*) FROM t GROUP BY name',
  'EXPLAIN EXTENDED SELECT 1',
  'SHOW TABLES',
  'DESCRIBE v',
  'SET spark.sql.shuffle.partitions = 2',
  'DROP VIEW v',
];

/** What is refused, for the words of an error are the first thing that many see. */
const MISTAKES = [
  'SELEC 1',
  'SELECT',
  'SELECT nothing FROM t',
  'SELECT * FROM nowhere',
  "SELECT CAST('a' AS INT)",
  'SELECT 1 / 0',
  'SELECT nofunction(1)',
  'SELECT sum(name) FROM t',
  'SELECT id, count(*) FROM t',
  'SELECT abs()',
  'SELECT array(1)[5]',
];

/** Runs it all. Statements that fail are named in the answer: those of `MISTAKES` should, others should not. */
export async function usual({ SparkSession, functions: F, ml }) {
  const failures = [];
  // One executor exchanges nothing, and three have partitions without rows.
  for (const executors of [1, 2, 3]) failures.push(...(await usualOn(`local[${executors}]`, executors, { SparkSession, F, ml })));
  return failures;
}

async function usualOn(master, partitions, { SparkSession, F, ml }) {
  const failures = [];
  const spark = await SparkSession.builder.master(master).config('spark.sql.shuffle.partitions', partitions).create();
  const attempt = async (what, f) => {
    try {
      return await f();
    } catch (error) {
      failures.push(`${what}: ${error.message}`);
    }
  };
  const run = (sql) => attempt(sql, async () => (await spark.sql(sql)).collect());
  await run(`CREATE OR REPLACE TEMPORARY VIEW t AS SELECT * FROM ${VALUES}`);
  // Also over rows of an exchange, whose values are not constants.
  for (const list of EXPRESSIONS) {
    const expressions = list.split('; ');
    for (const from of ['t', '(SELECT * FROM t DISTRIBUTE BY id)']) await run(`SELECT ${expressions.join(', ')} FROM ${from}`);
    for (const expression of expressions) await run(`SELECT ${expression} FROM t`);
  }
  for (const sql of STATEMENTS) await run(sql);
  for (const sql of MISTAKES)
    await spark
      .sql(sql)
      .then((df) => df.collect())
      .catch(() => {});
  await attempt('tables', () => tables(spark, F));
  await attempt('streams', () => streams(spark, F));
  await attempt('arrow', () => arrow(spark, F));
  await attempt('events', () => events(spark, F));
  await attempt('bayes', () => bayes(spark, ml));
  await spark.stop();
  return failures;
}

/** Tables by the calls of DataFrames. */
async function tables(spark, F) {
  const rows = Array.from({ length: 3_000 }, (_, id) => ({
    id,
    key: `k${id % 7}`,
    value: id % 3 ? id / 3 : null,
    at: new Date(id * 1000),
  }));
  const df = spark.createDataFrame(rows);
  df.createOrReplaceTempView('rows');
  await df.show();
  await df.count();
  await df.select('key', F.col('value').plus(1).alias('v')).filter(F.col('v').gt(3)).orderBy(F.desc('v')).limit(5).collect();
  await df.groupBy('key').agg(F.sum('value').alias('s'), F.countDistinct('id')).collect();
  await df.groupBy('key').count().orderBy('key').collect();
  await df.join(spark.range(10).withColumnRenamed('id', 'other'), F.col('id').eq(F.col('other')), 'left').collect();
  await df.withColumn('n', F.lit(1)).drop('n').dropDuplicates(['key']).collect();
  await df.na.fill({ value: 0 }).na.drop().count();
  await df.repartition(3, 'key').coalesce(1).sort('id').take(2);
  await df.sample(0.1, 1).count();
  await df.union(df).distinct().count();
  await (await df.cache()).count();
  await df.toArrow();
  await df.explain();
  const ndjson = rows.map((row) => JSON.stringify(row)).join('\n');
  await spark.read
    .json(new Blob([ndjson]))
    .groupBy('key')
    .count()
    .collect();
  await spark.read
    .schema('id INT, key STRING, value DOUBLE, at TIMESTAMP')
    .json(new Blob([`${ndjson}\n{broken\n`]))
    .count();
  await spark.read
    .option('header', true)
    .option('inferSchema', true)
    .csv(new Blob(['a,b\n1,x\n2,"y z"\n']))
    .collect();
  await spark.read.text(new Blob(['a line\nanother\n'])).collect();
}

/** Streams: windows, late rows, joins, duplicates, every output mode, a checkpoint, foreachBatch. */
async function streams(spark, F) {
  const line = (i) =>
    JSON.stringify({ at: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString(), text: `word #tag${i % 5} #other`, n: i });
  const lines = (from, to) => `${Array.from({ length: to - from }, (_, i) => line(from + i)).join('\n')}\n`;
  const schema = 'at TIMESTAMP, text STRING, n BIGINT';
  const queries = [
    ['append', (df) => df.filter(F.col('n').gt(3)).select('n', F.upper('text').alias('t'))],
    [
      'update',
      (df) =>
        df
          .withWatermark('at', '1 minute')
          .groupBy(F.window('at', '10 minutes', '1 minute'), 'n')
          .count(),
    ],
    [
      'append',
      (df) =>
        df
          .withWatermark('at', '1 minute')
          .select('at', F.explode(F.split('text', ' ')).alias('tag'))
          .filter(F.col('tag').startsWith('#'))
          .groupBy(F.window('at', '10 minutes', '1 minute'), 'tag')
          .agg(F.count('*').alias('n'), F.avg(F.length('tag')).alias('a')),
    ],
    ['complete', (df) => df.groupBy(F.col('n').mod(3).alias('k')).agg(F.sum('n'), F.max('at'), F.collectSet('n')).orderBy('k')],
    ['append', (df) => df.withWatermark('at', '1 minute').dropDuplicates(['n', 'at'])],
    ['append', (df) => df.withWatermark('at', '1 minute').groupBy(F.sessionWindow('at', '5 seconds'), 'n').count()],
    ['append', (df) => df.join(spark.range(100).withColumnRenamed('id', 'n'), 'n')],
    [
      'append',
      (df) =>
        df
          .withWatermark('at', '1 minute')
          .alias('a')
          .join(df.withWatermark('at', '1 minute').alias('b'), F.expr('a.n = b.n AND b.at BETWEEN a.at AND a.at + INTERVAL 1 MINUTE')),
    ],
  ];
  for (const [i, [mode, build]] of queries.entries()) {
    const tweets = spark.readStream.push({ schema, format: 'json' });
    let writer = build(tweets.df).writeStream.outputMode(mode).queryName(`usual${i}`);
    writer = i === 1 ? writer.foreachBatch(async (batch) => void (await batch.collect())) : writer.format('memory');
    if (i === 2) writer = writer.option('checkpointLocation', `usual-${Date.now()}`);
    const query = await writer.start();
    for (let n = 0; n < 4; n += 1) {
      await tweets.write(lines(n * 300, n * 300 + 300));
      await query.processAllAvailable();
    }
    await tweets.write(`{"at":"2026-01-01T05:00:00Z","text":"#late","n":1}\n${lines(0, 5)}{broken\n`);
    await query.processAllAvailable();
    if (i !== 1) await (await spark.sql(`SELECT * FROM usual${i} LIMIT 5`)).collect();
    await query.stop();
  }
}

/** Pushed Arrow: one batch of all, tables to join with, windows, two streams joined, results as Arrow. */
async function arrow(spark, F) {
  const schema = 'at TIMESTAMP, k INT, s STRING, v DOUBLE';
  const block = (from, keys) =>
    spark
      .range(from, from + 500)
      .selectExpr(
        `timestamp_millis(1767225600000 + id * 100) AS at`,
        `CAST(id % ${keys} AS INT) AS k`,
        `concat('s', id % 5) AS s`,
        'id / 3.0D AS v',
      )
      .toArrow();
  const pushed = () => spark.readStream.option('maxBlocksPerTrigger', 1).push({ schema, format: 'arrow' });
  const once = async (build) => {
    const source = pushed();
    const writes = [source.write(await block(0, 7)), source.write(await block(500, 7), { transfer: true })];
    const query = await build(source.df)
      .writeStream.outputMode('complete')
      .trigger({ once: true })
      .foreachBatch(async (batch) => void (await batch.toArrow()))
      .start();
    await query.awaitTermination();
    await Promise.all(writes);
    source.end();
  };
  const aggregates = [
    F.count('*').cast('int').alias('n'),
    F.sum('v').alias('sum'),
    F.avg('v').alias('mean'),
    F.min('v').alias('lo'),
    F.max('v').alias('hi'),
  ];
  for (const keys of [['k'], ['s'], ['s', 'k']]) await once((df) => df.groupBy(...keys).agg(...aggregates));
  const table = pushed();
  const kept = await table.df.writeStream.format('memory').queryName('kept').outputMode('append').start();
  await table.write(await block(0, 500));
  await kept.processAllAvailable();
  await kept.stop();
  await once((df) =>
    df
      .join(spark.table('kept').select('k', F.col('v').alias('w')), 'k')
      .agg(F.count('*').alias('n'), F.sum(F.col('v').multiply(F.col('w'))).alias('sum')),
  );

  const sliding = (df) =>
    df
      .withWatermark('at', '0 seconds')
      .groupBy(F.window('at', '10 seconds', '2 seconds'), 'k')
      .agg(F.count('*').alias('n'));
  const highest = (df) =>
    df
      .withWatermark('at', '0 seconds')
      .groupBy(F.window('at', '10 seconds'))
      .agg(F.max(F.struct('v', 'k', 's')).alias('top'));
  const hot = (df) => sliding(df).groupBy('window').agg(F.max('n').alias('n'), F.collectList('k').alias('ks'));
  const priced = (df) => df.select('k', F.col('v').multiply(0.908).alias('euros')).filter('k % 3 = 0');
  for (const build of [sliding, highest, hot, priced]) {
    const source = pushed();
    const query = await build(source.df)
      .writeStream.outputMode('append')
      .foreachBatch(async (batch) => void (await batch.toArrow()))
      .start();
    for (let n = 0; n < 6; n += 1) await source.write(await block(n * 500, 7));
    await query.processAllAvailable();
    await query.stop();
    source.end();
  }
  await twoStreams(pushed, block, F);
}

/** Two streams that are joined by key and time. */
async function twoStreams(pushed, block, F) {
  const [left, right] = [pushed(), pushed()];
  const joined = left.df
    .withWatermark('at', '1 second')
    .alias('a')
    .join(right.df.withWatermark('at', '1 second').alias('b'), F.expr('a.k = b.k AND b.at >= a.at AND b.at < a.at + INTERVAL 5 SECONDS'))
    .select('a.k', 'b.v');
  const query = await joined.writeStream.format('memory').queryName('joined').outputMode('append').start();
  for (let n = 0; n < 4; n += 1) {
    await left.write(await block(n * 500, 97));
    await right.write(await block(n * 500, 97));
    await query.processAllAvailable();
  }
  await query.stop();
}

/** Event by event, and batches without rows. */
async function events(spark, F) {
  const counted = (df) => df.groupBy('key').agg(F.count('*').cast('int').alias('n'));
  for (const build of [(df) => df.filter('key % 2 = 0'), counted]) {
    for (const trigger of [{ realTime: '5 seconds' }, { processingTime: '0 seconds' }]) {
      const source = spark.readStream.push({ schema: 'i INT, key INT', format: 'json' });
      const query = await build(source.df)
        .writeStream.outputMode('update')
        .trigger(trigger)
        .foreach(() => {})
        .start();
      for (let n = 0; n < 50; n += 1) await source.write(`{"i":${n},"key":${n % 7}}\n`);
      await query.processAllAvailable();
      await source.write([]);
      await query.processAllAvailable();
      await query.stop();
      source.end();
    }
  }
}

/** Trains a model on labelled strings in files, and scores them. */
async function bayes(spark, ml) {
  const file = new Blob([Array.from({ length: 400 }, (_, n) => `${n % 2}\tword${n % 13} and word${n % 7}\n`).join('')]);
  const read = () => spark.read.option('sep', '\t').schema('label DOUBLE, text STRING').csv(file);
  const stages = [
    new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
    new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: 1 << 14 }),
    new ml.NaiveBayes(),
  ];
  const model = await new ml.Pipeline({ stages }).fit(read());
  await model.transform(read()).select('label', 'prediction').groupBy('label', 'prediction').count().collect();
}
