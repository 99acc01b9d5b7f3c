// Rivulet: the query as one would write it for Spark, a micro-batch for each batch of input.
import { functions as F, SparkSession } from '/pkg/dist/index.js';
import { Answers, byRank, TOP } from './answer.js';

/** The contender with so many executors. */
export function rivulet(executors) {
  let spark;
  return {
    name: `Rivulet, ${executors} executor${executors > 1 ? 's' : ''}`,
    async start() {
      spark = await SparkSession.builder.master(`local[${executors}]`).config('spark.sql.shuffle.partitions', executors).create();
    },
    async run(batches, note) {
      const answers = new Answers();
      const { df, write, end } = spark.readStream.push({
        schema: 'id BIGINT, createdAt TIMESTAMP, lang STRING, text STRING, score DOUBLE',
        format: 'json',
      });
      let newest = [];
      const query = await df
        .withWatermark('createdAt', '0 seconds')
        .select(F.explode(F.split('text', ' ')).alias('hashtag'), 'createdAt', 'score')
        .filter(F.col('hashtag').startsWith('#'))
        .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), 'hashtag')
        .agg(F.count('*').alias('n'), F.avg('score').alias('score'))
        .select(F.col('window.end').alias('end'), 'hashtag', 'n', 'score')
        .writeStream.outputMode('append')
        .foreachBatch(async (batch) => {
          // A window is emitted once, when it is complete: all there is to do is to rank it.
          const rows = await batch.collect();
          if (rows.length > 0) newest = rank(rows);
        })
        .start();
      for (const bytes of batches) {
        await write(bytes);
        await query.processAllAvailable();
        answers.add(newest);
      }
      note?.(await query.recentProgress());
      await query.stop();
      end();
      return answers;
    },
    heapBytes: () => spark.status.heapBytes(),
    async stop() {
      await spark.stop();
    },
  };
}

function rank(rows) {
  let endMs = 0;
  for (const { end } of rows) endMs = Math.max(endMs, end.getTime());
  const top = rows.filter(({ end }) => end.getTime() === endMs).map(({ hashtag, n, score }) => [hashtag, n, score]);
  return top.sort(byRank).slice(0, TOP);
}
