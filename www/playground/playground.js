// The playground's control: session, editor, tables, and what a run shows.
import { DataFrame, SparkSession } from 'rivulet';
import { drawDag } from '../dag.js';
import { element } from '../elements.js';
import { Tabs } from '../tabs.js';
import { Chart } from './chart.js';
import { FunctionRegistry } from './completion.js';
import { Tables } from './data.js';
import { Editor } from './editor.js';
import { locate } from './faults.js';
import { Grid } from './grid.js';
import { StreamMetrics } from './metrics.js';
import { LINES_BEFORE, runJavaScript, runSql } from './programs.js';
import { SAMPLES } from './samples.js';
import { fromHash, keep, kept, toHash } from './sharing.js';
import { downloadCsv } from './values.js';

const byId = (id) => document.getElementById(id);
const ROWS_KEPT = 500_000;
/** Rows that are shown before the rest has come. */
const ROWS_FIRST = 200;

let spark;
let language = 'sql';
const texts = { sql: SAMPLES[0].text, js: SAMPLES.find((sample) => sample.language === 'js').text };
let names = [];
let rows = [];
let running;
let drawnJob = '';

/** For scripts that drive the page. */
const playground = { state: 'idle', error: null, runs: 0, rows: () => rows, names: () => names, tables: () => [...tables.known.keys()] };
window.rivuletPlayground = playground;

const registry = new FunctionRegistry();
const tables = new Tables(() => {
  showTables();
  editor.setLanguage(language, tables.schema);
});
const editor = new Editor(byId('editor'), {
  onChange: () => {
    texts[language] = editor.text;
    queueMicrotask(() => editor.mark(null));
    keep({ draft: { language, texts } });
  },
  onRun: () => void run(),
  describe: (word) => registry.about(word),
  complete: (name) => [name === 'sql' ? registry.inSql : registry.inJavaScript],
});
const grid = new Grid(byId('grid'));
const chart = new Chart(byId('chart'));
const metrics = new StreamMetrics();
const tabs = new Tabs(document.querySelector('.tabs'), { inAddress: false, onSelect: (id) => id === 'tab-chart' && chart.draw() });

function setState(state, text) {
  playground.state = state;
  byId('state').dataset.state = state === 'ready' ? 'idle' : state;
  byId('state').lastElementChild.textContent = text;
  byId('run').disabled = state !== 'ready' && state !== 'failed';
  byId('stop').disabled = state !== 'running';
  byId('progress').hidden = state !== 'running' && state !== 'starting';
}

function note(text) {
  byId('note').textContent = text;
}

function showError(error) {
  playground.error = String(error?.message ?? error);
  byId('error').hidden = false;
  byId('error').textContent = error?.condition ? `${error.name}: ${error.message}` : String(error);
  // A statement after others is looked at by itself.
  const from = error?.statement?.from ?? 0;
  const text = error?.statement?.text ?? editor.text;
  const place = error instanceof Error ? locate(text, error, { firstLine: 1 + LINES_BEFORE }) : null;
  if (place) editor.mark({ from: place.from + from, to: place.to + from, message: playground.error });
}

async function session() {
  setState('starting', 'Loading the engine');
  const onProgress = ({ stage, percent }) => {
    byId('progress').value = percent / 100;
    setState('starting', stage === 'download' ? `Engine: ${Math.round(percent)} %` : 'Starting workers');
  };
  spark = await SparkSession.builder
    .appName('playground')
    .master('local[2]')
    .config('spark.sql.shuffle.partitions', 2)
    .create({ onProgress });
  spark.status.watch(showStatus);
  spark.streams.addListener({ onQueryStarted() {}, onQueryTerminated() {}, onQueryProgress: ({ progress }) => metrics.show(progress) });
  await registry.load(spark);
  setState('ready', 'Ready');
}

function showStatus({ jobs }) {
  const job = jobs.toSorted((a, b) => b.id - a.id).find(({ stages }) => stages.length > 0);
  if (!job) return;
  const stages = job.stages.filter(({ skipped }) => !skipped);
  byId('progress').value =
    stages.reduce((sum, stage) => sum + stage.completed, 0) /
    Math.max(
      1,
      stages.reduce((sum, stage) => sum + stage.tasks, 0),
    );
  const version = JSON.stringify(job);
  if (version === drawnJob) return;
  drawnJob = version;
  drawDag(byId('dag'), job, { label: `Stages of job ${job.id}` });
}

function showTables() {
  const items = [...tables.known].map(([name, { columns, note: from }]) => {
    const drop = element('button', { type: 'button', className: 'small quiet', textContent: 'Drop', ariaLabel: `Drop ${name}` });
    drop.onclick = () => tables.drop(spark, name).catch(showError);
    const list = columns.map(([column, type]) =>
      element('li', {}, element('span', { textContent: column }), element('i', { textContent: type })),
    );
    return element(
      'li',
      {},
      element(
        'details',
        {},
        element('summary', {}, element('b', { textContent: name }), element('span', { className: 'hint', textContent: from })),
        element('ul', {}, ...list),
      ),
      drop,
    );
  });
  byId('tables').replaceChildren(...items);
}

/** Shows the rows as they are now. */
function showRows(done) {
  grid.show(names, rows);
  byId('rows-title').textContent = `${rows.length.toLocaleString()} ${rows.length === 1 ? 'row' : 'rows'}${done ? '' : ' so far'}`;
  byId('download').hidden = rows.length === 0;
  if (done) chart.show(names, rows);
}

async function showBatch(df, signal) {
  names = await df.columns();
  rows = [];
  if (tabs.selected === 'tab-stream') tabs.select('tab-rows');
  const plan = df.explainString('extended').then((text) => {
    byId('plan').textContent = text;
  });
  let all = true;
  for await (const row of df.rows({ signal })) {
    rows.push(row);
    if (rows.length === ROWS_FIRST) showRows(false);
    if (rows.length % 20_000 === 0) grid.grown();
    if (rows.length === ROWS_KEPT) {
      all = false;
      break;
    }
  }
  await plan.catch(() => {});
  showRows(true);
  return all ? '' : ` (the first ${ROWS_KEPT.toLocaleString()})`;
}

/** Runs a streaming query until it is stopped. Windows and groups replace their older rows. */
async function showStream(df, signal) {
  names = await df.columns();
  rows = [];
  metrics.reset();
  byId('progress').hidden = true;
  tabs.select('tab-stream');
  const types = Object.fromEntries(await df.dtypes());
  // A row stands for what it is grouped by: its columns that are not measures.
  const keys = names.filter((name) => !/^(double|float|bigint|decimal)/.test(types[name]));
  const byKey = new Map();
  const start = (mode) =>
    df.writeStream
      .outputMode(mode)
      .trigger({ processingTime: '1 second' })
      .foreachBatch(async (batch) => {
        for (const row of await batch.collect())
          byKey.set(keys.length > 0 ? JSON.stringify(keys.map((name) => row[name])) : byKey.size, row);
        rows = [...byKey.values()].slice(-ROWS_KEPT).reverse();
        showRows(true);
      })
      .start();
  const query = await start('update').catch((error) =>
    error.condition?.includes('OUTPUT_MODE') ? start('append') : Promise.reject(error),
  );
  byId('plan').textContent = await df.explainString('extended');
  // Whoever stops a query that starts has stopped it already.
  if (signal.aborted) await query.stop();
  else signal.addEventListener('abort', () => void query.stop());
  await query.awaitTermination();
  return '';
}

async function run() {
  if (!spark || running || playground.state === 'starting') return;
  running = new AbortController();
  const { signal } = running;
  byId('error').hidden = true;
  playground.error = null;
  editor.mark(null);
  byId('progress').value = 0;
  note('');
  setState('running', 'Running');
  const startMs = performance.now();
  try {
    await tables.prepare(spark, Tables.mentioned(editor.text));
    const result =
      language === 'sql' ? await runSql(spark, editor.text) : await runJavaScript(spark, editor.text, (value) => note(String(value)));
    let more = '';
    if (result instanceof DataFrame) more = await ((await result.isStreaming()) ? showStream(result, signal) : showBatch(result, signal));
    else {
      rows = result;
      names = [...new Set(rows.slice(0, 1_000).flatMap(Object.keys))];
      showRows(true);
    }
    note(`${rows.length.toLocaleString()} rows in ${((performance.now() - startMs) / 1_000).toFixed(2)} s${more}`);
  } catch (error) {
    if (signal.aborted) note('Stopped');
    else showError(error);
  } finally {
    running = undefined;
    playground.runs += 1;
    tables.endStreams();
    setState('ready', 'Ready');
  }
}

function setQuery({ language: next, text }) {
  document.querySelector(`input[name="language"][value="${next}"]`).checked = true;
  language = next;
  texts[next] = text;
  editor.text = text;
  editor.setLanguage(next, tables.schema);
  editor.mark(null);
}

const link = (text, onclick) => element('li', {}, element('button', { type: 'button', textContent: text, onclick }));

function showSaved() {
  const { saved } = kept();
  byId('saved-card').hidden = Object.keys(saved).length === 0;
  byId('saved').replaceChildren(
    ...Object.entries(saved).map(([name, query]) => {
      const item = link(name, () => setQuery(query));
      const forget = element('button', { type: 'button', className: 'small quiet', textContent: 'Forget', ariaLabel: `Forget ${name}` });
      forget.onclick = () => {
        const { [name]: _, ...rest } = kept().saved;
        keep({ saved: rest });
        showSaved();
      };
      item.append(forget);
      return item;
    }),
  );
}

async function share() {
  const hash = await toHash({ language, text: editor.text });
  history.replaceState(null, '', hash);
  const copied = await navigator.clipboard?.writeText(location.href).then(
    () => true,
    () => false,
  );
  note(copied ? 'The address is copied: it holds the query, not the data.' : 'The address of this page now holds the query.');
}

async function addFiles(files) {
  byId('error').hidden = true;
  for (const file of files) {
    try {
      note(`Reading ${file.name}`);
      const name = await tables.addFile(spark, file);
      note(`${file.name} is the table ${name}`);
      if (texts.sql === SAMPLES[0].text) setQuery({ language: 'sql', text: `SELECT * FROM ${name} LIMIT 1000\n` });
    } catch (error) {
      note('');
      showError(error);
    }
  }
}

function listen() {
  byId('run').onclick = () => void run();
  byId('stop').onclick = () => running?.abort();
  byId('share').onclick = () => void share();
  byId('download').onclick = () => downloadCsv(names, rows);
  byId('files').onchange = ({ target }) => addFiles([...target.files]);
  byId('save').onclick = () => byId('save-dialog').showModal();
  byId('save-dialog').onclose = () => {
    const name = byId('save-name').value.trim();
    if (byId('save-dialog').returnValue !== 'save' || !name) return;
    note(
      keep({ saved: { ...kept().saved, [name]: { language, text: editor.text } } })
        ? `Saved as ${name}`
        : 'This browser keeps nothing for this page',
    );
    showSaved();
  };
  for (const input of document.querySelectorAll('input[name="language"]'))
    input.onchange = () => setQuery({ language: input.value, text: texts[input.value] });
  document.addEventListener('themechange', () => {
    chart.draw();
    metrics.restyle();
  });
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    byId('drop').classList.add('is-over');
  });
  document.addEventListener('dragleave', (event) => event.relatedTarget === null && byId('drop').classList.remove('is-over'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    byId('drop').classList.remove('is-over');
    void addFiles([...event.dataTransfer.files]);
  });
  addEventListener('hashchange', async () => {
    const shared = await fromHash(location.hash);
    if (shared) setQuery(shared);
  });
}

async function begin() {
  listen();
  byId('samples').append(...SAMPLES.map((sample) => link(sample.name, () => setQuery(sample))));
  showSaved();
  const { draft } = kept();
  if (draft?.texts) Object.assign(texts, draft.texts);
  setQuery((await fromHash(location.hash)) ?? { language: draft?.language ?? 'sql', text: texts[draft?.language ?? 'sql'] });
  await session();
}

begin().catch((error) => {
  console.error(error);
  showError(error);
  setState('failed', 'Failed');
  byId('run').disabled = true;
});
