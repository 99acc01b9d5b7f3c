// W3, W6, W7, collect, cold.
import { functions as F, ml } from '/pkg/dist/index.js';
import { text } from '../../workloads/arrow.js';
import { COLLECT_SQL, COLLECTED } from '../../workloads/start.js';
import { Confusion, FEATURES } from '../../workloads/w7.js';
import { load, once } from './streams.js';

/** Returns columns of record batches as arrays: strings for those of `strings`. */
function joined(batches, names, strings = []) {
  const length = batches.reduce((sum, batch) => sum + batch.length, 0);
  const column = (name) => {
    if (strings.includes(name)) return batches.flatMap((batch) => Array.from({ length: batch.length }, (_, i) => text(batch[name], i)));
    const values = new Float64Array(length);
    let at = 0;
    for (const batch of batches) {
      values.set(batch[name].values.subarray(0, batch.length), at);
      at += batch.length;
    }
    return values;
  };
  return Object.fromEntries(names.map((name) => [name, column(name)]));
}

/** Returns tweets as one file per executor. */
const files = (batches, executors) =>
  Array.from({ length: executors }, (_, n) => {
    const cut = (at) => Math.round((at * batches.length) / executors);
    return new Blob(batches.slice(cut(n), cut(n + 1)));
  });

export const tablesOf = (session, executors) => ({
  async W3({ table }, clock) {
    const count = F.count('*').cast('int').alias('n');
    const v = F.sum('v').cast('double').alias('v');
    const mean = F.avg('w').alias('mean');
    // Each query is a stream of one batch over the ten blocks.
    const ask = (group, aggregates, options) => {
      const source = session.spark.readStream.push({ schema: 'k INT, s STRING, j INT, v INT, w DOUBLE', format: 'arrow' });
      return once(source, table, source.df.groupBy(...group).agg(...aggregates), options);
    };
    const a = await ask(['k'], [count, v, mean, F.min('w').alias('min'), F.max('w').alias('max')]);
    clock.lap('a');
    const b = await ask(['s'], [count, v, mean]);
    clock.lap('b');
    const c = await ask(['s', 'j'], [count, F.sum('w').alias('w')], { transfer: true });
    clock.lap('c');
    return {
      a: joined(a, ['k', 'n', 'v', 'mean', 'min', 'max']),
      b: joined(b, ['s', 'n', 'v', 'mean'], ['s']),
      c: joined(c, ['s', 'j', 'n', 'w'], ['s']),
    };
  },

  async W6({ facts, dimensions }, clock) {
    const { spark } = session;
    await load(spark, 'dimensions', 'k INT, w DOUBLE', dimensions);
    clock.lap('load');
    const source = spark.readStream.push({ schema: 'k INT, v DOUBLE', format: 'arrow' });
    const sums = source.df
      .join(spark.table('dimensions'), 'k')
      .agg(F.count('*').cast('double').alias('n'), F.sum(F.col('v').multiply(F.col('w'))).alias('sum'));
    return joined(await once(source, facts, sums, { transfer: true }), ['n', 'sum']);
  },

  async W7({ training, scoring }, clock) {
    const [train, score] = [files(training, executors), files(scoring, executors)];
    clock.start();
    const read = (parts) =>
      session.spark.read
        .option('sep', '\t')
        .schema('label DOUBLE, text STRING')
        .csv(...parts);
    const model = await new ml.Pipeline({
      stages: [
        new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
        new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: FEATURES }),
        new ml.NaiveBayes(),
      ],
    }).fit(read(train));
    clock.lap('train');
    const rows = await model.transform(read(score)).select('label', 'prediction').groupBy('label', 'prediction').count().collect();
    clock.lap('score');
    const confusion = new Confusion();
    for (const { label, prediction, count } of rows) confusion.add(label, prediction, count);
    return confusion.columns();
  },

  async cold({ rows: { k, v } }) {
    const rows = Array.from(k, (key, i) => ({ k: key, v: v[i] }));
    return session.spark
      .createDataFrame(rows, 'k INT, v DOUBLE')
      .groupBy('k')
      .agg(F.count('*').alias('n'), F.sum('v').alias('v'))
      .collect();
  },

  collect: () =>
    session.spark
      .range(COLLECTED)
      .select(...Object.entries(COLLECT_SQL).map(([name, sql]) => F.expr(sql).alias(name)))
      .collect(),
});
