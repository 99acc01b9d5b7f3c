// The three places that tweets come from. Each returns a streaming DataFrame and a function that ends it.
import { TWEET_SCHEMA } from './tweets.js';

/** @typedef {{ df: import('rivulet').DataFrame, stop(): void, setRate?(perSecond: number): void, describe: string }} Source */

/** Tweets made in a worker of this page. Event time runs `speed` times as fast as the clock on the wall. */
export function generated(spark, { rate, speed, seed }) {
  const { df, write, end } = spark.readStream.push({ schema: TWEET_SCHEMA, format: 'json' });
  const worker = new Worker(new URL('./generator-worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = async ({ data }) => {
    await write(data.bytes).catch(() => worker.terminate());
    worker.postMessage({ written: true });
  };
  const startMs = Math.floor(Date.now() / 60_000) * 60_000;
  worker.postMessage({ start: { seed, startMs, stepMs: Math.max(1, Math.round((1_000 * speed) / rate)) }, rate });
  return {
    df,
    describe: 'embedded generator',
    setRate: (perSecond) => worker.postMessage({ rate: perSecond }),
    stop: () => {
      worker.terminate();
      end();
    },
  };
}

/** Tweets of a WebSocket that sends JSON objects, one or more a message. The receiver runs in the driver worker. */
export function webSocket(spark, { url }) {
  const df = spark.readStream.format('websocket').option('url', url).schema(TWEET_SCHEMA).load();
  return { df, describe: url, stop() {} };
}

/** Tweets of a dropped file: CSV with a header line, or one JSON object per line. */
export function file(spark, { dropped }) {
  const reader = spark.readStream.schema(TWEET_SCHEMA);
  const df = /\.csv$/i.test(dropped.name) ? reader.option('header', true).csv(dropped) : reader.json(dropped);
  return { df, describe: dropped.name, stop() {} };
}
