// How data goes into a query and rows come out.
import { buffers } from '../../workloads/arrow.js';

/** Returns a source of pushed bytes that makes a micro-batch of each block. */
export const source = (spark, schema, format = 'arrow') => spark.readStream.option('maxBlocksPerTrigger', 1).push({ schema, format });

/**
 * Runs a query over blocks, `lists[i]` being those of `sources[i]`, one block of each per micro-batch. `take` takes the rows of a
 * micro-batch, `answer` is called after those that what block k completes is in, for each k. All blocks are there from the start, and the
 * engine reads ahead; or, with `inStep`, the next one comes after the answer to the one before.
 */
export async function run({ sources, lists, df, take, answer = () => {}, inStep = false }) {
  let batches = 0;
  const query = await df.writeStream
    .outputMode('append')
    .foreachBatch(async (batch) => {
      for (const rows of buffers(await batch.toArrow())) take(rows);
      // A block moves the watermark, and the batch after it closes what is then complete.
      if (!inStep && batches++ > 0) answer();
    })
    .start();
  const count = lists[0].length;
  for (let k = 0; k < count; k++) {
    for (const [i, { write }] of sources.entries()) await write(lists[i][k], { transfer: true });
    if (!inStep) continue;
    await query.processAllAvailable();
    answer();
  }
  await query.processAllAvailable();
  await query.stop();
  for (const { end } of sources) end();
}

/** Returns the record batches that a query over a source answers for all blocks at once. */
export async function once(source, blocks, df, options) {
  let answer = [];
  const writes = blocks.map((block) => source.write(block, options));
  const query = await df.writeStream
    .outputMode('complete')
    .trigger({ once: true })
    .foreachBatch(async (batch) => {
      answer = buffers(await batch.toArrow());
    })
    .start();
  await query.awaitTermination();
  await Promise.all(writes);
  source.end();
  return answer;
}

/** Makes a table in memory of blocks. */
export async function load(spark, name, schema, blocks) {
  const { df, write, end } = spark.readStream.push({ schema, format: 'arrow' });
  const query = await df.writeStream.format('memory').queryName(name).outputMode('append').start();
  for (const block of blocks) await write(block, { transfer: true });
  await query.processAllAvailable();
  await query.stop();
  end();
}
