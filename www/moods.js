// The classic live-sentiment program with discretized streams: tweets → English ones with a word of mood → scored by a function.
import { SparkSession, StreamingContext } from 'rivulet';
import { generatedTweets } from './hashtag_stream.js';
import { MOODS } from './mood_words.js';

const $ = (id) => document.getElementById(id);
const BATCHES_SHOWN = 12;
const LATEST_SHOWN = 8;
const MADE_PER_SECOND = 200;
const totals = { tweets: 0, scored: 0, sum: 0 };
let running;

/** Shows one batch. `rows` are `[mood, text]`. */
function show(timeMs, tweets, rows) {
  totals.tweets += tweets;
  totals.scored += rows.length;
  totals.sum += rows.reduce((sum, [mood]) => sum + mood, 0);
  const mean = rows.length ? rows.reduce((sum, [mood]) => sum + mood, 0) / rows.length : 0;
  const row = $('batches').insertRow(0);
  row.dataset.time = timeMs;
  const good = rows.filter(([mood]) => mood > 0).length;
  const meter = Object.assign(document.createElement('meter'), { min: 0, max: 1, value: rows.length ? good / rows.length : 0 });
  meter.ariaLabel = `${good} of ${rows.length} are good`;
  [new Date(timeMs).toLocaleTimeString(), tweets, rows.length, rows.length ? mean.toFixed(2) : '–', meter, '', ''].forEach(
    (content, column) => {
      const cell = row.insertCell();
      cell.append(content);
      if (column !== 0 && column !== 4) cell.className = 'number';
    },
  );
  while ($('batches').rows.length > BATCHES_SHOWN) $('batches').deleteRow(-1);
  $('tweets').textContent = totals.tweets.toLocaleString('en');
  $('scored').textContent = totals.scored.toLocaleString('en');
  $('mood').textContent = totals.scored ? (totals.sum / totals.scored).toFixed(3) : '–';
  for (const [mood, text] of rows.slice(-LATEST_SHOWN)) {
    const item = document.createElement('li');
    item.className = mood > 0 ? 'good' : 'bad';
    item.append(Object.assign(document.createElement('b'), { textContent: mood > 0 ? `+${mood}` : String(mood) }), text);
    $('latest').prepend(item);
  }
  while ($('latest').children.length > LATEST_SHOWN) $('latest').lastChild.remove();
}

function setState(state, text) {
  $('state').dataset.state = state;
  $('state').lastElementChild.textContent = text;
}

async function start(url, batchMs) {
  const spark = await SparkSession.builder.master('local[2]').getOrCreate();
  const ssc = new StreamingContext(spark.sparkContext, batchMs);
  const moods = spark.sparkContext.broadcast(MOODS);
  let ended = false;
  const made = () =>
    generatedTweets(
      () => MADE_PER_SECOND,
      () => ended,
    );
  const tweets = url ? ssc.socketTextStream(url).map((line) => JSON.parse(line)) : ssc.fromAsyncIterable(made());
  const scored = tweets
    .filter((tweet) => tweet.lang === 'en')
    .flatMap(
      (tweet, { moods }) => {
        const found = tweet.text.split(' ').filter((word) => moods.value.has(word));
        return found.length ? [[found.reduce((sum, word) => sum + moods.value.get(word), 0), tweet.text]] : [];
      },
      { moods },
    );
  const counts = new Map();
  tweets.count().foreachRDD(async (rdd, time) => {
    counts.set(time, (await rdd.collect())[0] ?? 0);
  });
  scored.foreachRDD(async (rdd, time) => {
    show(time, counts.get(time) ?? 0, await rdd.collect());
    counts.delete(time);
  });
  ssc.addStreamingListener({
    onBatchCompleted({ batchTime, schedulingDelay, processingDelay }) {
      const row = $('batches').querySelector(`[data-time="${batchTime}"]`);
      if (row) [row.cells[5].textContent, row.cells[6].textContent] = [`${schedulingDelay} ms`, `${processingDelay} ms`];
    },
    onReceiverError(error) {
      complain(error);
    },
  });
  ssc.start();
  ssc.awaitTermination().catch(complain);
  return {
    async stop() {
      ended = true;
      await ssc.stop({ gracefully: true });
      await spark.stop();
    },
  };
}

function complain(error) {
  setState('failed', 'Failed');
  $('error').hidden = false;
  $('error').textContent = error.message;
}

$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  $('error').hidden = true;
  $('start').disabled = true;
  setState('starting', 'Starting workers');
  try {
    running = await start($('url').value.trim(), Number($('batch').value));
    $('stop').disabled = false;
    setState('running', 'Running on 2 executors');
  } catch (error) {
    complain(error);
    $('start').disabled = false;
  }
});
$('stop').addEventListener('click', async () => {
  $('stop').disabled = true;
  await running?.stop();
  running = undefined;
  $('start').disabled = false;
  setState('idle', 'Stopped');
});

$('url').value = new URLSearchParams(location.search).get('websocket') ?? '';
window.rivuletMoods = totals;
