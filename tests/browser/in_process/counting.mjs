// Counts words that the parent sends, a line each, in a stream with a checkpoint; says what is acknowledged, and the counts at the end.
//   node counting.mjs STATE_DIRECTORY
import { createInterface } from 'node:readline';
import { functions as F, SparkSession, stateDirectory } from 'rivulet/node';

stateDirectory(process.argv[2]);
const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 2).getOrCreate();
const counts = new Map();
const source = spark.readStream.push({ schema: 'word STRING', format: 'json' });
const query = await source.df
  .groupBy('word')
  .agg(F.count('*').alias('n'))
  .writeStream.outputMode('update')
  .option('checkpointLocation', 'counts')
  .foreachBatch(async (rows) => {
    for (const { word, n } of await rows.collect()) counts.set(word, n);
  })
  .start();
console.log('ready');
for await (const word of createInterface({ input: process.stdin })) {
  await source.write(`${JSON.stringify({ word })}\n`);
  if (word === 'flush') await query.processAllAvailable();
  console.log(`acknowledged ${word}`);
}
await query.processAllAvailable();
await query.stop();
await spark.stop();
console.log(JSON.stringify(Object.fromEntries(counts)));
