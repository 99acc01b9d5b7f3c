// Programs that run in the page's own engine and on a Spark cluster alike: those of the benches and of the demo. `SparkSession` is
// asked for by an address; undefined is the page's own engine.
import { functions as F, ml, SparkSession } from '/pkg/dist/index.js';
import { nexmarkOf } from '../../benches/contenders/rivulet/nexmark.js';
import { workloads } from '../../benches/workloads/index.js';
import { OpinionGenerator, splitSentences } from '../../www/opinions.js';
import { TrendingStore } from '../../www/trending.js';
import { TWEET_SCHEMA, TweetGenerator } from '../../www/tweets.js';

/** Share of the bench's rows. */
const SCALE = 0.002;
const TWEETS = 3_000;
const PER_WRITE = 500;

async function session(address) {
  const builder = SparkSession.builder.config('spark.sql.shuffle.partitions', 2);
  return (address ? builder.remote(address) : builder.master('local[2]')).create();
}

/** Runs a program in a session of its own. */
async function within(address, program) {
  const spark = await session(address);
  try {
    return await program(spark);
  } finally {
    await spark.stop();
  }
}

/** What a stream of tweets, `lines(count)` at a time, ends in. */
async function windows(spark, generator, build) {
  const { df, write, end } = spark.readStream.push({ schema: TWEET_SCHEMA, format: 'json' });
  const store = new TrendingStore();
  const query = await build(df)
    .writeStream.outputMode('update')
    .foreachBatch(async (batch) => void store.update(await batch.collect()))
    .start();
  for (let from = 0; from < TWEETS; from += PER_WRITE) {
    await write(new TextEncoder().encode(generator.lines(PER_WRITE)));
    await query.processAllAvailable();
  }
  await query.stop();
  end();
  return store.rows();
}

const counted = (tweets) =>
  tweets
    .withWatermark('createdAt', '10 minutes')
    .select('createdAt', 'score', F.explode(F.split('text', ' ')).alias('hashtag'))
    .filter(F.col('hashtag').startsWith('#'))
    .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), 'hashtag')
    .agg(F.count('*').alias('tweets'), F.avg('score').alias('score'));

export const programs = {
  trending: (address) => within(address, (spark) => windows(spark, new TweetGenerator(), counted)),

  sentiment: (address, sentences) =>
    within(address, async (spark) => {
      const { training, heldOut } = splitSentences(sentences);
      const frame = (rows) =>
        spark.createDataFrame(
          rows.map(({ text, label }) => [text, label]),
          'text STRING, label DOUBLE',
        );
      const model = await new ml.Pipeline({
        stages: [
          new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
          new ml.StopWordsRemover({ inputCol: 'words', outputCol: 'kept' }),
          new ml.CountVectorizer({ inputCol: 'kept', outputCol: 'features', minDF: 2 }),
          new ml.NaiveBayes(),
        ],
      }).fit(frame(training));
      const accuracy = await new ml.MulticlassClassificationEvaluator({ metricName: 'accuracy' }).evaluate(model.transform(frame(heldOut)));
      const scored = (tweets) => counted(model.transform(tweets).withColumn('score', F.col('prediction')));
      return { accuracy, rows: await windows(spark, new OpinionGenerator(heldOut), scored) };
    }),
};

/** Nexmark's queries over their inputs, and what a program in JavaScript answers. */
for (const name of ['q1', 'q2', 'q5', 'q7', 'q8']) {
  const { inputs, reference } = workloads[name];
  const load = () => Object.fromEntries(Object.entries(inputs).map(([key, set]) => [key, [...set.batches(SCALE)]]));
  programs[name] = (address) => within(address, (spark) => nexmarkOf({ spark })[name](load()));
  programs[`${name} by hand`] = () => reference(load(), () => {});
}

/** Answers in one order, so that they can be compared. */
export const ordered = (answer) => {
  if (!Array.isArray(answer)) return answer;
  return answer.map((row) => JSON.stringify(row)).sort();
};

if (typeof window !== 'undefined') Object.assign(window, { programs, ordered });
