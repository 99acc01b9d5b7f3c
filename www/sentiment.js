// The sentiment demo: a pipeline is trained, judged, kept, and scores a stream.
import { ml } from 'rivulet';
import { LiveSentiment } from './live_sentiment.js';
import { splitSentences } from './opinions.js';
import { builderFor } from './place.js';

const byId = (id) => document.getElementById(id);
const SAVED = 'models/sentiment';
/** Columns of Sentiment140's files, which have no header; `target` is 0 for a negative tweet and 4 for a positive one. */
const SENTIMENT140 = 'target INT, id BIGINT, date STRING, flag STRING, user STRING, text STRING';

let spark;
let model;
let stopLive;
let heldOut = [];
const live = new LiveSentiment();

/** For scripts that drive the page. */
const demo = {
  state: 'idle',
  error: null,
  accuracy: null,
  rows: () => live.store.rows(),
  totals: () => ({ tweets: live.tweets, scored: live.scored }),
};
window.sentimentDemo = demo;

function setState(state, text) {
  demo.state = state;
  byId('state').dataset.state = state === 'training' ? 'starting' : state;
  byId('state').lastElementChild.textContent = text;
  const busy = state === 'training' || state === 'running';
  byId('train').disabled = busy;
  byId('start').disabled = !model || busy;
  byId('stop').disabled = state !== 'running';
  byId('save').disabled = !model;
  byId('sentence').disabled = !model;
}

function fail(error) {
  console.error(error);
  demo.error = String(error?.message ?? error);
  byId('error').hidden = false;
  byId('error').textContent = demo.error;
  setState('failed', 'Failed');
}

/** Runs a handler; its error is shown. */
const guarded =
  (handler) =>
  (...args) => {
    byId('error').hidden = true;
    return handler(...args).catch(fail);
  };

const session = async () => (spark ??= await builderFor(2).appName('sentiment').getOrCreate());

const ownSentences = async () => (await fetch('./vendor/sentences.json')).json();

/** Text and label of a CSV's rows: with a header that names them, or as Sentiment140 has them. */
async function readCsv(file) {
  const headed = /(^|,)"?label"?(,|$)/.test((await file.slice(0, 4_096).text()).split(/\r?\n/, 1)[0]);
  const df = headed
    ? spark.read
        .option('header', true)
        .option('inferSchema', true)
        .csv(file)
        .selectExpr('CAST(text AS STRING) text', 'CAST(label AS DOUBLE) label')
    : spark.read.schema(SENTIMENT140).csv(file).selectExpr('text', 'CAST(target > 2 AS DOUBLE) label');
  return df.collect();
}

/** Training rows and held-out rows: of the chosen file, or of the sentences that come with the page. */
async function data() {
  await session();
  const [file] = byId('csv').files;
  const { training, heldOut: kept } = splitSentences(file ? await readCsv(file) : await ownSentences());
  heldOut = kept;
  const frame = (rows) =>
    spark.createDataFrame(
      rows.map(({ text, label }) => [text, label]),
      'text STRING, label DOUBLE',
    );
  return { training: frame(training), holdOut: frame(heldOut) };
}

async function train() {
  setState('training', 'Training');
  const progress = byId('progress');
  progress.hidden = false;
  progress.value = 0;
  const started = performance.now();
  const { training, holdOut } = await data();
  progress.value = 1;
  model = await new ml.Pipeline({
    stages: [
      new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
      new ml.StopWordsRemover({ inputCol: 'words', outputCol: 'kept' }),
      new ml.CountVectorizer({ inputCol: 'kept', outputCol: 'features', minDF: 2 }),
      new ml.NaiveBayes(),
    ],
  }).fit(training);
  const seconds = (performance.now() - started) / 1000;
  progress.value = 2;
  const scored = model.transform(holdOut);
  const metric = (metricName) => new ml.MulticlassClassificationEvaluator({ metricName }).evaluate(scored);
  const [accuracy, f1, logLoss] = [await metric('accuracy'), await metric('f1'), await metric('logLoss')];
  const area = await new ml.BinaryClassificationEvaluator({ rawPredictionCol: 'probability' }).evaluate(scored);
  progress.value = 3;
  const rows = await scored.select('label', 'probability', 'prediction').collect();
  showMatrix(rows);
  showRoc(rows.map((row) => [row.probability.values[1], row.label]));
  await showWords();
  progress.hidden = true;
  demo.accuracy = accuracy;
  const shown = { Accuracy: accuracy, F1: f1, 'Area under ROC': area, 'Log loss': logLoss, 'Seconds to train': seconds };
  byId('metrics').innerHTML = Object.entries(shown)
    .map(([name, value]) => `<dt>${name}</dt><dd>${value.toFixed(3)}</dd>`)
    .join('');
  setState('idle', 'Trained');
}

function showMatrix(rows) {
  const count = (label, prediction) => rows.filter((row) => row.label === label && row.prediction === prediction).length;
  const line = (name, label) =>
    `<tr><th scope="row">${name}</th>${[0, 1].map((p) => `<td class="${p === label ? 'hit' : ''}">${count(label, p)}</td>`).join('')}</tr>`;
  byId('matrix').innerHTML =
    `<tr><th scope="col">actual</th><th scope="col">negative</th><th scope="col">positive</th></tr>${line('negative', 0)}${line('positive', 1)}`;
}

function showRoc(scores) {
  const positives = scores.filter(([, label]) => label === 1).length;
  const negatives = scores.length - positives;
  let [x, y] = [0, 0];
  const points = scores
    .toSorted(([a], [b]) => b - a)
    .map(([, label]) => {
      if (label === 1) y += 1 / positives;
      else x += 1 / negatives;
      return `L${(100 * x).toFixed(2)} ${(100 - 100 * y).toFixed(2)}`;
    });
  byId('roc').innerHTML = `<line x1="0" y1="100" x2="100" y2="0"/><path d="M0 100${points.join('')}"/>`;
}

/** Words whose probability differs most between the classes. */
async function showWords() {
  const [counts, bayes] = [model.stages[2], model.stages[3]];
  const [vocabulary, theta] = [await counts.vocabulary(), await bayes.theta()];
  const telling = vocabulary.map((word, i) => [word, theta.at(1, i) - theta.at(0, i)]).toSorted((a, b) => a[1] - b[1]);
  const list = (words, kind) =>
    `<p>${words.map(([word]) => `<span class="${kind}"></span>`.replace('></', `>${escaped(word)}</`)).join(' ')}</p>`;
  byId('words').innerHTML = list(telling.slice(0, 20), 'bad') + list(telling.slice(-20).toReversed(), 'good');
}

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

async function start() {
  setState('running', 'Scoring');
  stopLive = await live.start({
    spark,
    model,
    sentences: heldOut,
    url: byId('ws-url').value.trim(),
    perSecond: () => Number(byId('rate').value),
    onError: fail,
  });
}

async function stop() {
  await stopLive?.();
  stopLive = undefined;
  setState('idle', 'Stopped');
}

async function judge() {
  const text = byId('sentence').value;
  const [row] = await model
    .transform(spark.createDataFrame([[text]], 'text STRING'))
    .select('probability')
    .collect();
  const share = row.probability.values[1];
  byId('verdict').textContent = `${share >= 0.5 ? 'Positive' : 'Negative'}: ${(100 * Math.max(share, 1 - share)).toFixed(0)} % sure`;
}

async function save() {
  await model.save(spark, SAVED, { overwrite: true });
  const link = byId('download');
  link.href = URL.createObjectURL(await ml.modelArchive(SAVED));
  link.hidden = false;
  setState('idle', 'Saved');
}

async function load(source) {
  await session();
  model = await ml.PipelineModel.load(spark, source);
  if (heldOut.length === 0) heldOut = splitSentences(await ownSentences()).heldOut;
  setState('idle', 'Loaded');
}

byId('train').onclick = guarded(train);
byId('start').onclick = guarded(start);
byId('stop').onclick = guarded(stop);
byId('sentence').onchange = guarded(judge);
byId('save').onclick = guarded(save);
byId('load').onclick = guarded(() => load(SAVED));
byId('zip').onchange = guarded(() => load(byId('zip').files[0]));
byId('csv').onchange = () => {
  byId('csv-name').textContent = byId('csv').files[0]?.name ?? 'Choose a CSV';
};
byId('ws-url').value = new URLSearchParams(location.search).get('websocket') ?? '';
document.addEventListener('themechange', () => live.redraw());
setState('idle', 'Ready');
