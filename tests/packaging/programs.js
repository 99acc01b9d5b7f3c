// What every page of the matrix runs: a batch, a stream that the page pushes, a function over a dataset, a function with state.
import { functions as F, SparkSession } from 'rivulet';

const batch = async (spark) => {
  const rows = await spark.range(100).groupBy(F.col('id').mod(3).alias('k')).agg(F.sum('id').alias('s')).orderBy('k').collect();
  return rows.map(({ s }) => Number(s)).join(' ');
};

const stream = async (spark) => {
  const source = spark.readStream.push({ schema: 'page STRING, n INT', format: 'json' });
  const sums = new Map();
  const query = await source.df
    .groupBy('page')
    .agg(F.sum('n').alias('n'))
    .writeStream.outputMode('update')
    .foreachBatch(async (rows) => {
      for (const { page, n } of await rows.collect()) sums.set(page, Number(n));
    })
    .start();
  for (const lot of ['{"page":"a","n":1}\n{"page":"b","n":2}\n', '{"page":"a","n":40}\n']) {
    await source.write(lot);
    await query.processAllAvailable();
  }
  await query.stop();
  return [...sums].sort().join(' ');
};

const dataset = async (spark) => {
  const lines = spark.sparkContext.parallelize(['a b', 'b c', 'c b'], 2);
  const counts = await lines
    .flatMap((line) => {
      // With a name of its own, which some tools wrap to keep it.
      const words = (text) => text.split(' ');
      return words(line);
    })
    .map((word) => [word, 1])
    .reduceByKey((a, b) => a + b)
    .collect();
  return counts.sort().join(' ');
};

const state = async (spark) => {
  const source = spark.readStream.push({ schema: 'user STRING, n INT', format: 'json' });
  const seen = [];
  const totals = source.df.groupByKey('user').flatMapGroupsWithState(
    (key, rows, kept) => {
      const add = (total, { n }) => total + n;
      kept.update(rows.reduce(add, kept.getOption() ?? 0));
      return [{ user: key.user, total: kept.get() }];
    },
    { outputSchema: 'user STRING, total INT', outputMode: 'update' },
  );
  const query = await totals.writeStream
    .outputMode('update')
    .foreachBatch(async (rows) => {
      for (const { user, total } of await rows.collect()) seen.push(`${user}${total}`);
    })
    .start();
  for (const lot of ['{"user":"x","n":1}\n{"user":"y","n":5}\n', '{"user":"x","n":2}\n']) {
    await source.write(lot);
    await query.processAllAvailable();
  }
  await query.stop();
  return seen.sort().join(' ');
};

const PROGRAMS = { batch, stream, dataset, state };

/** Runs all, once however often it is called, and returns when they have ended; what they answer, or the error that they ended with, is `globalThis.rivulet`. */
export function run() {
  running ??= all();
  return running;
}

let running;

async function all() {
  const answers = {};
  try {
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    for (const [name, program] of Object.entries(PROGRAMS)) {
      try {
        answers[name] = await program(spark);
      } catch (error) {
        answers[name] = `${error.name} ${error.condition ?? ''}: ${error.message}`;
      }
    }
    await spark.stop();
  } catch (error) {
    answers.start = `${error.name} ${error.condition ?? ''}: ${error.message}`;
  }
  globalThis.rivulet = answers;
}
