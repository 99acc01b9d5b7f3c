// W1, W2: windows are counted by the engine; the page picks the first 20 of the newest from the columns that come.
import { functions as F } from '/pkg/dist/index.js';
import { text } from '../../workloads/arrow.js';
import { Answers, Best } from '../../workloads/trends.js';
import { run, source } from './streams.js';

/** Ranks the windows of `hashtags`, a DataFrame of time, hashtag and score. */
async function trends(from, hashtags, blocks, inStep) {
  const answers = new Answers();
  let [newestEnd, best] = [0, new Best()];
  await run({
    sources: [from],
    lists: [blocks],
    inStep,
    df: hashtags
      .groupBy(F.window('time', '10 minutes', '5 minutes'), 'hashtag')
      .agg(F.count('*').cast('int').alias('n'), F.avg('score').alias('mean'))
      .select(F.unixMillis('window.end').cast('double').alias('end'), 'hashtag', 'n', 'mean'),
    take: ({ length, end, hashtag, n, mean }) => {
      const [ends, counts, means] = [end.values, n.values, mean.values];
      for (let i = 0; i < length; i++) {
        if (ends[i] < newestEnd) continue;
        if (ends[i] > newestEnd) [newestEnd, best] = [ends[i], new Best()];
        best.add(counts[i], () => [text(hashtag, i), counts[i], means[i]]);
      }
    },
    answer: () => answers.add(best.rows),
  });
  return answers.columns;
}

export const trendsOf = (session) => ({
  W1({ tweets, options }) {
    const from = source(session.spark, 'createdAt TIMESTAMP, text STRING, score DOUBLE', 'json');
    const hashtags = from.df
      .withWatermark('createdAt', '0 seconds')
      .select(F.explode(F.split('text', ' ')).alias('hashtag'), F.col('createdAt').alias('time'), 'score')
      .filter(F.col('hashtag').startsWith('#'));
    return trends(from, hashtags, tweets, options?.inStep);
  },
  W2({ hashtags, options }) {
    const from = source(session.spark, 'time TIMESTAMP, hashtag STRING, score DOUBLE');
    return trends(from, from.df.withWatermark('time', '0 seconds'), hashtags, options?.inStep);
  },
});
