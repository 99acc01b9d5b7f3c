// The engine's web UI: what a session runs, as its status and its streams tell.
import { SparkSession } from 'rivulet';
import { Bars } from './bars.js';
import { Batches } from './batches.js';
import { drawDag } from './dag.js';
import { element, setText } from './elements.js';
import { Executors } from './executors.js';
import { BATCH_MS, HashtagStream } from './hashtag_stream.js';
import { JobLog, JobsTable, tookMs } from './jobs.js';
import { Join, wordCount } from './runs.js';
import { showStorage } from './storage_table.js';
import { Tabs } from './tabs.js';
import { showTasks } from './tasks_table.js';
import { stageColor, Timeline } from './timeline.js';
import { clock, count, duration } from './units.js';

const byId = (id) => document.getElementById(id);
const SHOWN = 12;

let spark;
let stream;
/** The job that the visitor chose; the newest where none is. */
let pinned = null;
let executorIds = [];
let drawn = '';
let runs = 0;

const log = new JobLog();
const tabs = new Tabs(document.querySelector('.tabs'));
const jobsTable = new JobsTable(byId('jobs'), choose);
const timeline = new Timeline(byId('timeline'), byId('legend'));
const executors = new Executors(byId('executor-list'), (id) => spark?.status.killExecutor(id));
const batches = new Batches();
const bars = new Bars(byId('bars'));
const join = new Join();

/** For scripts that drive the page. */
const ui = { state: 'starting', error: null, jobs: () => log.newest(), made: () => stream?.made ?? 0, totals: () => batches.totals };
window.rivuletUi = ui;

function setState(state, text) {
  ui.state = state;
  byId('state').dataset.state = state;
  byId('state').lastElementChild.textContent = text;
}

function fail(error) {
  console.error(error);
  ui.error = String(error?.message ?? error);
  byId('error').hidden = false;
  byId('error').textContent = error?.condition ? `${error.name}: ${error.message}` : ui.error;
}

function showStatus(status) {
  log.update(status);
  executorIds = status.executors.map((executor) => executor.id);
  executors.show(status.executors);
  showStorage(byId('storage-card'), byId('storage'), status.datasets);
  showJobs();
}

function showJobs() {
  const nowMs = Date.now();
  const jobs = log.newest();
  const job = log.get(pinned) ?? jobs[0] ?? null;
  byId('follow').hidden = job === null || job.id !== pinned;
  jobsTable.show(jobs, job?.id, nowMs);
  // A job that is over is drawn once, however often the status comes.
  const version = job?.state === 'running' ? '' : JSON.stringify(job);
  if (version !== '' && version === drawn) return;
  drawn = version;
  setText(
    byId('timeline-note'),
    job ? `job ${job.id}, ${job.description}: from ${clock(job.submittedMs)} on, ${duration(tookMs(job, nowMs))}` : '',
  );
  timeline.show(job, executorIds, nowMs);
  drawDag(byId('dag'), job, { label: `Stages of job ${job?.id}`, color: stageColor });
  showTasks(byId('tasks'), job);
}

function choose(id) {
  pinned = id;
  showJobs();
}

function showResult(title, pairs, ms) {
  byId('result-card').hidden = false;
  byId('result-title').textContent = title;
  byId('result-note').textContent = `${count(pairs.length)} rows in ${duration(ms)}`;
  byId('result').replaceChildren(
    ...pairs
      .slice(0, SHOWN)
      .map(([key, n]) => element('span', { className: 'chip' }, String(key), ' ', element('b', { textContent: count(n) }))),
  );
}

/** Runs a program of one of the buttons. */
async function run(button, title, program) {
  tabs.select('tab-jobs');
  pinned = null;
  button.disabled = true;
  byId('error').hidden = true;
  const startMs = performance.now();
  try {
    showResult(title, await program(), performance.now() - startMs);
  } catch (error) {
    fail(error);
  }
  button.disabled = false;
}

function startStream() {
  tabs.select('tab-streaming');
  byId('error').hidden = true;
  batches.reset(BATCH_MS);
  bars.show(null);
  const listener = {
    onBatchSubmitted: (info) => batches.onBatchSubmitted(info),
    onBatchStarted: (info) => batches.onBatchStarted(info),
    onBatchCompleted: (info) => batches.onBatchCompleted(info),
    onReceiverError: fail,
  };
  const show = (pairs) => bars.show({ tags: new Map(pairs.map(([hashtag, uses]) => [hashtag, { hashtag, count: uses, score: null }])) });
  stream = new HashtagStream(spark.sparkContext, { rate: () => Number(byId('rate').value), show, listener });
  stream.start();
  setStreaming(true);
  stream
    .awaitTermination()
    .catch(fail)
    .finally(() => setStreaming(false));
}

async function stopStream() {
  byId('stream').disabled = true;
  setText(byId('stream'), 'Stopping');
  await stream.stop();
}

function setStreaming(on) {
  byId('stream').disabled = false;
  byId('stream').setAttribute('aria-pressed', String(on));
  setText(byId('stream'), on ? 'Stop stream' : 'Start stream');
  setState('running', `${spark.status.executors.length} executors${on ? ', streaming' : ''}`);
}

async function start() {
  try {
    spark = await SparkSession.builder.appName('jobs and batches').master('local[2]').getOrCreate();
    spark.status.watch(showStatus);
    setStreaming(false);
    for (const id of ['words', 'join']) byId(id).disabled = false;
    setInterval(async () => {
      if (!spark.isStopped) executors.heap = await spark.status.heapBytes();
    }, 2_000);
  } catch (error) {
    fail(error);
    setState('failed', 'Failed');
  }
}

byId('words').onclick = () => run(byId('words'), 'Words', () => wordCount(spark.sparkContext, 42 + runs++));
byId('join').onclick = () => run(byId('join'), 'Minutes by country', () => join.run(spark.sparkContext));
byId('stream').onclick = () => (byId('stream').getAttribute('aria-pressed') === 'true' ? stopStream() : startStream());
byId('follow').onclick = () => choose(null);
document.addEventListener('themechange', () => batches.restyle());
void start();
