// The page of mentions: made-up tweets, the graph of the last minutes, its picture and its first ten.
import { SparkSession } from 'rivulet';
import { CommunityColours } from './community_colours.js';
import { cell, element, setText } from './elements.js';
import { COLOURS, colorOf, GraphPicture } from './graph_picture.js';
import { KEPT_MINUTES, LABEL_STEPS, MentionGraph, RANK_STEPS } from './mention_graph.js';
import { MentionTweets } from './mention_tweets.js';

const byId = (id) => document.getElementById(id);
const SPEED = 60;
const TICK_MS = 100;
/** A tab in the background has few ticks: what a longer pause would owe is not made up for. */
const MOST_MS = 1_000;
const LISTED = 10;
const LABELLED = 10;
const SEED = 42;

const params = new URLSearchParams(location.search);
/** With `?driven` a script drives the page: no time passes by itself. */
const isDriven = params.has('driven');

const picture = new GraphPicture(byId('picture'));
const colours = new CommunityColours(COLOURS);
const crowd = new MentionTweets({ seed: Number(params.get('seed') ?? SEED), lateFrom: 400, lateEvery: 80 });
let spark;
let graph;
let timer;
let owed = 0;
let lastMs = 0;
/** The last tweets are not taken in yet. */
let isWriting = false;
let writing = Promise.resolve();

/** For scripts that drive the page. */
const demo = {
  state: 'idle',
  error: null,
  shown: null,
  tweets: 0,
  late: 0,
  batches: 0,
  /** Lets time pass: as many tweets as are due are written. */
  advance: (ms) => advance(ms),
  /** Settles when all tweets are shown. */
  settled: async () => {
    await writing;
    await graph.settled();
  },
  write: (tweets) => write(tweets),
};
window.rivuletMentions = demo;

const BUTTONS = { idle: 'Start', starting: 'Start', running: 'Pause', paused: 'Resume', failed: 'Start' };
const WORDS = { idle: 'Ready', starting: 'Starting workers', running: 'Running', paused: 'Paused', failed: 'Failed' };

function setState(state) {
  demo.state = state;
  byId('state').dataset.state = state;
  byId('state').lastElementChild.textContent = WORDS[state];
  byId('toggle').textContent = BUTTONS[state];
  byId('toggle').disabled = state === 'starting';
}

function fail(error) {
  console.error(error);
  demo.error = error.message;
  byId('error').hidden = false;
  byId('error').textContent = error.message;
  clearInterval(timer);
  // Another start has another session.
  void spark?.stop().catch(() => {});
  spark = graph = undefined;
  setState('failed');
}

function write(tweets) {
  demo.tweets += tweets.length;
  setText(byId('tweets'), demo.tweets.toLocaleString('en'));
  return graph.write(tweets);
}

function advance(ms) {
  if (demo.state !== 'running') return;
  owed += (ms / 1_000) * Number(byId('rate').value);
  const count = Math.floor(owed);
  owed -= count;
  if (count === 0) return;
  isWriting = true;
  writing = write(Array.from({ length: count }, () => crowd.next()))
    // The query says why.
    .catch(() => {})
    .finally(() => {
      isWriting = false;
    });
}

/** Time passes, unless the engine has more than it can take. */
function tick() {
  const nowMs = performance.now();
  if (!isWriting) advance(Math.min(nowMs - lastMs, MOST_MS));
  lastMs = nowMs;
}

const clock = (ms) => new Date(ms).toISOString().slice(11, 16);

function show(found) {
  demo.shown = found;
  const { startMs, endMs, edges, accounts, mentions } = found;
  const members = new Map(accounts.map(({ community }) => [community, []]));
  for (const account of accounts) members.get(account.community).push(account);
  const coloured = colours.assign(new Map([...members].map(([label, all]) => [label, all.map(({ name }) => name)])));
  const largest = accounts[0].rank;
  picture.show(
    accounts.map(({ name, rank, community }, i) => ({
      id: name,
      name: `@${name}`,
      group: coloured.get(community) ?? null,
      share: rank / largest,
      label: i < LABELLED ? `@${name}` : undefined,
    })),
    edges,
  );
  document.querySelector('.picture').classList.remove('is-empty');
  setText(byId('mentions'), mentions.toLocaleString('en'));
  setText(byId('accounts'), accounts.length.toLocaleString('en'));
  setText(byId('communities'), members.size.toLocaleString('en'));
  setText(byId('window'), `${clock(startMs)} – ${clock(endMs)}`);
  list(accounts, members, coloured);
}

function list(accounts, members, coloured) {
  const body = element('tbody');
  for (const [i, { name, rank, mentions, community }] of accounts.slice(0, LISTED).entries()) {
    const row = body.insertRow();
    cell(row, String(i + 1), 'number');
    cell(row, `@${name}`);
    cell(row, rank.toFixed(2), 'number');
    cell(row, mentions.toLocaleString('en'), 'number');
    const swatch = element('i', { className: 'swatch' });
    swatch.style.background = colorOf(coloured.get(community));
    const all = members.get(community);
    cell(row, swatch).append(all.length === 1 ? 'alone' : `@${all[0].name} + ${all.length - 1}`);
  }
  byId('table').tBodies[0].replaceWith(body);
  // Read aloud only when somebody else leads.
  setText(byId('leaders'), `@${accounts[0].name} leads`);
}

function progress({ batchId, stateOperators }) {
  demo.batches = batchId + 1;
  demo.late += stateOperators.reduce((sum, { numRowsDroppedByWatermark = 0 }) => sum + numRowsDroppedByWatermark, 0);
  setText(byId('late'), demo.late.toLocaleString('en'));
}

async function start() {
  setState('starting');
  byId('error').hidden = true;
  demo.error = null;
  spark = await SparkSession.builder
    .appName('mentions')
    .master('local[2]')
    .config('spark.sql.shuffle.partitions', 2)
    .config('spark.default.parallelism', 2)
    .create();
  spark.streams.addListener({ onQueryStarted() {}, onQueryTerminated() {}, onQueryProgress: (event) => progress(event.progress) });
  graph = new MentionGraph(spark, { minutes: Number(byId('minutes').value), trigger: isDriven ? '0 seconds' : '1 second', show });
  await graph.start();
  graph.awaitTermination().catch(fail);
  setState('running');
  if (isDriven) return;
  lastMs = performance.now();
  timer = setInterval(tick, TICK_MS);
}

function setRate() {
  const rate = Number(byId('rate').value);
  byId('rate-value').textContent = rate;
  crowd.stepMs = (1_000 * SPEED) / rate;
}

function describe() {
  byId('program').textContent = `tweets
  .withWatermark('createdAt', '2 minutes')
  .select('createdAt',
    F.col('user').alias('source'),
    F.explode(F.regexpExtractAll('text',
      F.lit('@(\\\\w+)'), F.lit(1)))
      .alias('target'))
  .groupBy(F.window('createdAt', '1 minute'),
    'source', 'target')
  .count()
  .writeStream.outputMode('update')
  .foreachBatch(async (batch) => {
    count(await batch.collect());
    const graph = Graph.fromEdgeTuples(sc
      .parallelize(newest(${byId('minutes').value}), 2), 1);
    show(
      await graph.staticPageRank(${RANK_STEPS})
        .vertices.collectAsMap(),
      await graph.labelPropagation(${LABEL_STEPS})
        .vertices.collectAsMap());
  })`;
}

byId('toggle').onclick = () => {
  if (demo.state === 'running') setState('paused');
  else if (demo.state === 'paused') setState('running');
  else start().catch(fail);
};
byId('rate').oninput = setRate;
byId('minutes').onchange = () => {
  describe();
  if (!graph) return;
  graph.minutes = Math.min(KEPT_MINUTES, Number(byId('minutes').value));
  graph.rank().catch(fail);
};
document.addEventListener('themechange', () => {
  picture.draw();
  if (demo.shown) show(demo.shown);
});
setRate();
describe();
