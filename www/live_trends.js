// The trending query of the first page: tweets of this page, sliding windows, two executors that may be killed.
import { functions as F, SparkSession } from 'rivulet';
import { Bars } from './bars.js';
import { Executors } from './executors.js';
import { generated } from './sources.js';
import { TrendingStore } from './trending.js';

const SHOWN = 8;
const TWEETS_PER_SECOND = 400;
/** Event time runs as much faster than the clock on the wall. */
const SPEED = 60;
const byId = (id) => document.getElementById(id);
const clock = (ms) => new Date(ms).toISOString().slice(11, 16);

/** Uses and mean score of each hashtag in windows of ten minutes. */
const trending = (tweets) =>
  tweets
    .withWatermark('createdAt', '10 minutes')
    .select(F.explode(F.split('text', ' ')).alias('hashtag'), 'createdAt', 'score')
    .filter(F.col('hashtag').startsWith('#'))
    .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), 'hashtag')
    .agg(F.count('*').alias('tweets'), F.avg('score').alias('score'));

/** A query that can be started and stopped, and shows itself. */
export class LiveTrends {
  #spark;
  #source;
  #query;
  #newestMs = -Infinity;
  #store = new TrendingStore();
  #bars = new Bars(byId('bars'), SHOWN);
  #executors = new Executors(byId('executor-list'), (id) => this.#kill(id));

  constructor({ totals, onError }) {
    this.totals = totals;
    this.onError = onError;
  }

  /** Starts session and query; `onProgress` hears of the engine's download. */
  async start(onProgress) {
    this.#spark ??= await this.#session(onProgress);
    this.#store = new TrendingStore();
    this.#newestMs = -Infinity;
    Object.assign(this.totals, { rows: 0, batches: 0, late: 0 });
    this.#source = generated(this.#spark, { rate: TWEETS_PER_SECOND, speed: SPEED, seed: 42 });
    this.#query = await trending(this.#source.df)
      .writeStream.queryName('trending')
      .outputMode('update')
      .trigger({ processingTime: '1 second' })
      .foreachBatch(async (batch) => this.#show(await batch.collect()))
      .start();
    const query = this.#query;
    query.awaitTermination().catch((error) => query === this.#query && this.onError(error));
  }

  async stop() {
    this.#source?.stop();
    await this.#query?.stop();
  }

  async #session(onProgress) {
    const spark = await SparkSession.builder
      .appName('home')
      .master('local[2]')
      .config('spark.sql.shuffle.partitions', 2)
      .create({ onProgress });
    spark.status.watch((status) => this.#executors.show(status.executors));
    spark.status.onExecutor(({ type, executor, incarnation }) => {
      if (type === 'lost')
        this.#say(`Executor ${executor} is lost. Its part of the state is restored on another, and its tasks run again.`);
      else if (incarnation > 0) this.#say(`Executor ${executor} is back, and the counts are what they would have been.`);
    });
    spark.streams.addListener({ onQueryStarted() {}, onQueryTerminated() {}, onQueryProgress: ({ progress }) => this.#progress(progress) });
    return spark;
  }

  #kill(id) {
    this.#say(`Executor ${id} is ended, as by a crash.`);
    this.#spark.status.killExecutor(id);
  }

  #say(text) {
    byId('log').textContent = text;
  }

  #show(rows) {
    this.#store.update(rows);
    const windows = this.#store.newest();
    // The very newest window has hardly begun: the one before it says more.
    this.#bars.show(windows.find(({ endMs }) => endMs <= this.#newestMs + 300_000) ?? windows[0] ?? null);
  }

  #progress({ numInputRows, batchId, stateOperators, eventTime }) {
    this.totals.rows += numInputRows;
    this.totals.batches = batchId + 1;
    this.totals.late += stateOperators.reduce((sum, { numRowsDroppedByWatermark = 0 }) => sum + numRowsDroppedByWatermark, 0);
    if (eventTime?.max) this.#newestMs = Math.max(this.#newestMs, Date.parse(eventTime.max));
    byId('total-rows').textContent = this.totals.rows.toLocaleString();
    byId('total-batches').textContent = this.totals.batches.toLocaleString();
    byId('late-rows').textContent = this.totals.late.toLocaleString();
    const watermarkMs = Date.parse(eventTime?.watermark ?? '');
    if (watermarkMs > 0) byId('watermark').textContent = clock(watermarkMs);
  }
}
