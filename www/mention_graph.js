// Who mentions whom: tweets → mentions per minute, counted by the engine → the graph of the last minutes, ranked by the engine.
import { functions as F } from 'rivulet';
import { Graph } from 'rivulet/graph';
import { TWEET_SCHEMA } from './tweets.js';

const MINUTE_MS = 60_000;
/** Minutes that are kept: the longest window. */
export const KEPT_MINUTES = 30;
/** Supersteps of page rank, and of labels. */
export const RANK_STEPS = 20;
export const LABEL_STEPS = 8;

/** Mentions of one account by another, per minute of event time. Tweets that are later than two minutes are left out. */
const mentionsOf = (tweets) =>
  tweets
    .withWatermark('createdAt', '2 minutes')
    .select('createdAt', F.col('user').alias('source'), F.explode(F.regexpExtractAll('text', F.lit('@(\\w+)'), F.lit(1))).alias('target'))
    .groupBy(F.window('createdAt', '1 minute'), 'source', 'target')
    .count()
    .select(F.col('window.start').alias('minute'), 'source', 'target', 'count');

/** The query over tweets that are written to it, and the graph of its newest minutes. */
export class MentionGraph {
  /** By minute, ms since the epoch: by `source target`, the mentions. */
  #minutes = new Map();
  #write;
  #end;
  #query;
  #ranking = Promise.resolve();

  /** `show` gets each graph that was ranked. */
  constructor(spark, { minutes, trigger, show }) {
    this.spark = spark;
    this.minutes = minutes;
    this.trigger = trigger;
    this.show = show;
  }

  /** Starts the query. */
  async start() {
    const { df, write, end } = this.spark.readStream.push({ schema: TWEET_SCHEMA, format: 'json' });
    [this.#write, this.#end] = [write, end];
    this.#query = await mentionsOf(df)
      .writeStream.queryName('mentions')
      .outputMode('update')
      .trigger({ processingTime: this.trigger })
      .foreachBatch(async (batch) => {
        const rows = await batch.collect();
        this.#take(rows);
        if (rows.length > 0) await this.rank();
      })
      .start();
  }

  /** Has tweets taken in. */
  write(tweets) {
    return this.#write(tweets);
  }
  /** Settles when all that was written is shown. */
  settled() {
    return this.#query.processAllAvailable();
  }
  /** Settles when the query has ended; throws what it failed with. */
  awaitTermination() {
    return this.#query.awaitTermination();
  }
  async stop() {
    this.#end();
    await this.#query.stop();
  }

  /** Ranks the graph of the last minutes, and shows it; one after the other. */
  rank() {
    this.#ranking = this.#ranking
      .catch(() => {})
      .then(async () => {
        const window = this.#window();
        if (window) this.show(await this.#ranked(window));
      });
    return this.#ranking;
  }

  /** Takes the counts that a batch has changed. */
  #take(rows) {
    for (const { minute, source, target, count } of rows) {
      const startMs = minute.getTime();
      if (!this.#minutes.has(startMs)) this.#minutes.set(startMs, new Map());
      this.#minutes.get(startMs).set(`${source} ${target}`, Number(count));
    }
    const newestMs = Math.max(...this.#minutes.keys());
    for (const startMs of this.#minutes.keys()) if (startMs <= newestMs - KEPT_MINUTES * MINUTE_MS) this.#minutes.delete(startMs);
  }

  /** The mentions of the last minutes, and when these were; undefined before the first. */
  #window() {
    if (this.#minutes.size === 0) return undefined;
    const endMs = Math.max(...this.#minutes.keys()) + MINUTE_MS;
    const startMs = endMs - this.minutes * MINUTE_MS;
    const mentions = new Map();
    for (const [minuteMs, counts] of this.#minutes) {
      if (minuteMs < startMs) continue;
      for (const [pair, count] of counts) mentions.set(pair, (mentions.get(pair) ?? 0) + count);
    }
    const edges = [...mentions].map(([pair, count]) => [...pair.split(' '), count]).sort((a, b) => (`${a}` < `${b}` ? -1 : 1));
    return { startMs, endMs, edges };
  }

  /** Page rank and community of each account. A mention is an edge: who is mentioned twice has two. */
  async #ranked({ startMs, endMs, edges }) {
    const names = [...new Set(edges.flatMap((edge) => edge.slice(0, 2)))].sort();
    const ids = new Map(names.map((name, id) => [name, id]));
    const pairs = edges.flatMap(([source, target, count]) => new Array(count).fill([ids.get(source), ids.get(target)]));
    const graph = Graph.fromEdgeTuples(this.spark.sparkContext.parallelize(pairs, 2), 1);
    const [ranks, labels] = await Promise.all([
      graph.staticPageRank(RANK_STEPS).vertices.collectAsMap(),
      graph.labelPropagation(LABEL_STEPS).vertices.collectAsMap(),
    ]);
    const mentioned = new Map();
    for (const [, target, count] of edges) mentioned.set(target, (mentioned.get(target) ?? 0) + count);
    const accounts = names.map((name, id) => ({
      name,
      rank: ranks.get(id),
      community: names[Number(labels.get(id))],
      mentions: mentioned.get(name) ?? 0,
    }));
    accounts.sort((a, b) => b.rank - a.rank || (a.name < b.name ? -1 : 1));
    return { startMs, endMs, edges, accounts, mentions: pairs.length };
  }
}
