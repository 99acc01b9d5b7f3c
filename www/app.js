// The demo's control: source, query, start and stop.
import { builderFor, remote } from './place.js';
import { compile, DEFAULT_CODE, DEFAULT_SQL } from './queries.js';
import { file, generated, webSocket } from './sources.js';
import { View } from './view.js';

const byId = (id) => document.getElementById(id);
const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
const settings = new URLSearchParams(location.search);
const texts = { code: DEFAULT_CODE, sql: DEFAULT_SQL };

let spark;
let source;
let query;
let dropped;
let language = 'code';
let heapTimer;
const view = new View((executor) => spark?.status.killExecutor(executor));

/** For scripts that drive the page: `state`, and what the page has computed so far. */
const demo = { state: 'idle', error: null, rows: () => view.store.rows(), totals: () => view.totals, lastProgress: null, progresses: [] };
window.rivuletDemo = demo;

function setState(state, text) {
  demo.state = state;
  byId('state').dataset.state = state;
  byId('state').lastElementChild.textContent = text;
  const running = state === 'running' || state === 'starting';
  byId('start').disabled = running;
  byId('stop').disabled = state !== 'running';
}

function fail(error) {
  console.error(error);
  demo.error = String(error?.message ?? error);
  byId('error').hidden = false;
  byId('error').textContent = error?.condition ? `${error.name}: ${error.message}` : String(error?.message ?? error);
  setState('failed', 'Failed');
}

const rate = () => Math.round(10 ** Number(byId('rate').value));

function openSource() {
  switch (chosen('source')) {
    case 'websocket': {
      const url = byId('ws-url').value || byId('ws-url').placeholder;
      return webSocket(spark, { url });
    }
    case 'file':
      if (!dropped) throw new Error('Choose a file first');
      return file(spark, { dropped });
    default:
      return generated(spark, { rate: rate(), speed: Number(byId('speed').value), seed: 42 });
  }
}

async function session() {
  const executors = Number(byId('executors').value);
  if (spark && !spark.isStopped && (remote || spark.status.executors.length === executors)) return;
  await spark?.stop();
  spark = await builderFor(executors).appName('trending hashtags').config('spark.sql.shuffle.partitions', executors).create();
  spark.status.watch((status) => view.status(status));
  spark.status.onExecutor(({ type, executor, incarnation, reason }) => {
    if (type === 'lost') view.log(`Executor ${executor} is lost: ${reason}`);
    else if (incarnation > 0) view.log(`Executor ${executor} is back as incarnation ${incarnation + 1}`);
  });
  spark.streams.addListener({
    onQueryStarted: ({ name }) => view.log(`Query ${name ?? ''} has started`),
    onQueryProgress: ({ progress }) => {
      demo.lastProgress = progress;
      demo.progresses.push(progress);
      if (demo.progresses.length > 1_000) demo.progresses.shift();
      view.progress(progress);
    },
    onQueryTerminated: ({ exception }) => view.log(exception ? `The query has failed: ${exception}` : 'The query has stopped'),
  });
  clearInterval(heapTimer);
  heapTimer = setInterval(async () => {
    if (!spark.isStopped) view.executors.heap = await spark.status.heapBytes();
  }, 2_000);
}

async function start() {
  setState('starting', 'Starting workers');
  byId('error').hidden = true;
  demo.error = null;
  view.reset();
  try {
    await session();
    source = openSource();
    const df = await compile(language, byId('editor').value, { spark, tweets: source.df });
    const startQuery = (mode) =>
      df.writeStream
        .queryName('trending')
        .outputMode(mode)
        .trigger({ processingTime: byId('trigger').value })
        .foreachBatch(async (batch) => view.batch(await batch.collect()))
        .start();
    query = await startQuery('update');
    setState('running', remote ? 'Running on a Spark cluster' : `Running on ${spark.status.executors.length} executors`);
    view.log(`Reading from ${source.describe}`);
    const current = query;
    current.awaitTermination().then(
      () => query === current && setState('idle', 'Stopped'),
      (error) => query === current && fail(error),
    );
  } catch (error) {
    source?.stop();
    fail(error);
  }
}

async function stop() {
  byId('stop').disabled = true;
  source?.stop();
  await query?.stop().catch(fail);
}

function showSourcePanel() {
  for (const panel of document.querySelectorAll('.source-panel')) panel.hidden = panel.dataset.source !== chosen('source');
}

function setRate() {
  byId('rate-value').textContent = rate().toLocaleString();
  source?.setRate?.(rate());
}

function setLanguage() {
  texts[language] = byId('editor').value;
  language = chosen('language');
  byId('editor').value = texts[language];
}

function setFile(picked) {
  if (!picked) return;
  dropped = picked;
  byId('drop').querySelector('b').textContent = picked.name;
}

// What the page says of itself is true of its own engine only.
if (remote) byId('about').textContent = `The query runs on the Spark cluster at ${remote.replace(/;.*/, '')}.`;
byId('start').onclick = start;
byId('stop').onclick = stop;
byId('reset').onclick = () => {
  byId('editor').value = texts[language] = language === 'sql' ? DEFAULT_SQL : DEFAULT_CODE;
};
byId('rate').oninput = setRate;
byId('file').onchange = (event) => setFile(event.target.files[0]);
byId('drop').ondragover = (event) => {
  event.preventDefault();
  byId('drop').classList.add('is-over');
};
byId('drop').ondragleave = () => byId('drop').classList.remove('is-over');
byId('drop').ondrop = (event) => {
  event.preventDefault();
  byId('drop').classList.remove('is-over');
  setFile(event.dataTransfer.files[0]);
};
document.addEventListener('themechange', () => view.restyle());
byId('editor').onkeydown = (event) => {
  if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && !byId('start').disabled) void start();
};
for (const input of document.querySelectorAll('input[name="source"]')) input.onchange = showSourcePanel;
for (const input of document.querySelectorAll('input[name="language"]')) input.onchange = setLanguage;

byId('editor').value = DEFAULT_CODE;
if (settings.has('executors')) byId('executors').value = settings.get('executors');
if (settings.has('websocket')) {
  document.querySelector('input[name="source"][value="websocket"]').checked = true;
  byId('ws-url').value = settings.get('websocket');
}
if (settings.get('language') === 'sql') document.querySelector('input[name="language"][value="sql"]').click();
showSourcePanel();
setRate();
if (settings.has('start')) void start();
