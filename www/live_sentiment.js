// Live sentiment as one streaming query: tweets → model → mean prediction by window and hashtag. And what the page shows of it.
import { functions as F } from 'rivulet';
import uPlot from 'uplot';
import { Bars } from './bars.js';
import { OpinionGenerator } from './opinions.js';
import { webSocket } from './sources.js';
import { TrendingStore } from './trending.js';
import { TWEET_SCHEMA } from './tweets.js';

const byId = (id) => document.getElementById(id);
const SCORED_KEPT = 60;
const HASHTAGS_PLOTTED = 3;
const PUMP_MS = 100;

/** Positive share of the tweets, by sliding window and hashtag. `tweets` has `text` and `createdAt`. */
export function positiveShare(model, tweets) {
  return model
    .transform(tweets)
    .withWatermark('createdAt', '10 minutes')
    .select('createdAt', 'prediction', F.explode(F.split('text', ' ')).alias('hashtag'))
    .filter(F.col('hashtag').startsWith('#'))
    .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), 'hashtag')
    .agg(F.count('*').alias('tweets'), F.avg('prediction').alias('score'));
}

/** Tweets that this page makes of held-out sentences, pushed at a rate that `perSecond` returns. */
function embedded(spark, sentences, perSecond) {
  const { df, write, end } = spark.readStream.push({ schema: TWEET_SCHEMA, format: 'json' });
  const generator = new OpinionGenerator(sentences, { startMs: Math.floor(Date.now() / 60_000) * 60_000 });
  let owed = 0;
  const pump = setInterval(() => {
    owed += (perSecond() * PUMP_MS) / 1_000;
    const count = Math.floor(owed);
    if (count === 0) return;
    owed -= count;
    void write(new TextEncoder().encode(generator.lines(count))).catch(() => clearInterval(pump));
  }, PUMP_MS);
  return {
    df,
    stop: () => {
      clearInterval(pump);
      end();
    },
  };
}

export class LiveSentiment {
  constructor() {
    this.bars = new Bars(byId('bars'));
    this.clear();
  }

  clear() {
    this.store = new TrendingStore();
    this.tweets = 0;
    this.scored = 0;
    byId('scored').replaceChildren();
    this.bars.show(null);
    this.plot?.destroy();
    this.plot = undefined;
  }

  /**
   * Starts the query, and a second one that lists tweets with their scores (an aggregation shows no single rows). Each reads
   * the source for itself. `url` empty: the page makes the tweets.
   */
  async start({ spark, model, url, sentences, perSecond, onError }) {
    this.clear();
    const open = () => (url ? webSocket(spark, { url }) : embedded(spark, sentences, perSecond));
    const sources = [];
    const queries = [];
    const listener = {
      onQueryProgress: ({ progress }) => {
        if (progress.name === 'sentiment') this.tweets += progress.numInputRows;
      },
    };
    const stop = async () => {
      for (const source of sources) source.stop();
      await Promise.all(queries.map((query) => query.stop()));
      spark.streams.removeListener(listener);
    };
    const run = async (name, mode, build, show) => {
      const source = open();
      sources.push(source);
      queries.push(
        await build(source.df)
          .writeStream.queryName(name)
          .outputMode(mode)
          .trigger({ processingTime: '1 second' })
          .foreachBatch(async (batch) => show(await batch.collect()))
          .start(),
      );
    };
    spark.streams.addListener(listener);
    try {
      await run(
        'sentiment',
        'update',
        (tweets) => positiveShare(model, tweets),
        (rows) => this.#showWindows(rows),
      );
      await run(
        'scored',
        'append',
        (tweets) => model.transform(tweets).select('text', 'prediction'),
        (rows) => this.#showTweets(rows),
      );
    } catch (error) {
      await stop();
      throw error;
    }
    for (const query of queries) query.awaitTermination().catch(onError);
    return stop;
  }

  #showWindows(rows) {
    if (rows.length === 0) return;
    this.store.update(rows);
    const windows = this.store.newest();
    // The very newest window has hardly begun.
    this.bars.show(windows[1] ?? windows[0]);
    this.redraw();
  }

  /** Draws the windows again, in the colours of the theme. */
  redraw() {
    const windows = this.store.newest();
    if (windows.length > 0) this.#draw(windows.toReversed());
  }

  /** Share over all tweets, and of the hashtags that are used most. */
  #draw(windows) {
    const uses = new Map();
    for (const { tags } of windows) for (const { hashtag, count } of tags.values()) uses.set(hashtag, (uses.get(hashtag) ?? 0) + count);
    const names = [...uses]
      .sort((a, b) => b[1] - a[1])
      .slice(0, HASHTAGS_PLOTTED)
      .map(([hashtag]) => hashtag)
      .sort();
    const mean = (tags) => tags.reduce((sum, tag) => sum + tag.count * tag.score, 0) / tags.reduce((sum, tag) => sum + tag.count, 0);
    const data = [
      windows.map(({ startMs }) => startMs / 1_000),
      windows.map(({ tags }) => mean([...tags.values()])),
      ...names.map((name) => windows.map(({ tags }) => tags.get(name)?.score ?? null)),
    ];
    const labels = ['all hashtags', ...names];
    // Another theme or width is another plot.
    const look = [document.documentElement.dataset.theme, byId('plot').clientWidth, ...labels].join();
    if (this.plot?.look === look) return this.plot.setData(data);
    this.plot?.destroy();
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--ink-3'),
      font: '11px system-ui',
      ticks: { show: false },
      grid: { stroke: colour('--line'), width: 1 },
    };
    this.plot = new uPlot(
      {
        width: byId('plot').clientWidth,
        height: 220,
        scales: { y: { range: [0, 1] } },
        axes: [axis, { ...axis, values: (_, ticks) => ticks.map((share) => `${Math.round(100 * share)} %`) }],
        series: [
          {},
          ...labels.map((label, n) => ({
            label,
            stroke: colour(n === 0 ? '--ink' : `--series-${n}`),
            width: n === 0 ? 2.5 : 1.5,
            value: (_, share) => (share == null ? '–' : `${(100 * share).toFixed(0)} %`),
          })),
        ],
      },
      data,
      byId('plot'),
    );
    this.plot.look = look;
  }

  #showTweets(rows) {
    this.scored += rows.length;
    for (const { text, prediction } of rows.slice(-SCORED_KEPT)) {
      const item = document.createElement('li');
      item.className = prediction === 1 ? 'good' : 'bad';
      item.textContent = text;
      byId('scored').prepend(item);
    }
    while (byId('scored').children.length > SCORED_KEPT) byId('scored').lastChild.remove();
  }
}
