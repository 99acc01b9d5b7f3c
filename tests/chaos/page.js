// The page's part: a session, one query from the numbered servers into a sink that knows each batch by its number, and faults that
// only a page can make. `chaosNote` is the other side's; it counts as progress.
import { functions as F, SparkSession } from 'rivulet';
import { PIPELINES } from './pipelines.js';

const SCHEMA = 'id BIGINT, k STRING, ts TIMESTAMP, v BIGINT';
const workers = [];
let spark;
let sessionLost;
let query;
/** Settles when the query has ended, however; and whether it is supposed to. */
let ended;
let mayEnd = false;
/** When the sink is to throw: before it writes, or after. */
let throws;

// Which worker is what follows from its first message.
globalThis.Worker = class extends Worker {
  postMessage(message, ...rest) {
    if (message?.t === 'init') workers.push({ name: `${message.role} ${message.executor ?? ''}`.trim(), worker: this });
    super.postMessage(message, ...rest);
  }
};
const worker = (wanted) => workers.findLast(({ name }) => name === wanted).worker;

const note = (type, what = {}) => globalThis.chaosNote({ type, ...what }).catch(() => {});
const after = (ms) => new Promise((go) => setTimeout(go, ms));
const plain = (value) => (typeof value === 'bigint' ? Number(value) : value);

/** The result of a request to IndexedDB. */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opened;
function database() {
  opened ??= (() => {
    const request = indexedDB.open('chaos', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('batches');
      request.result.createObjectStore('wrong', { autoIncrement: true });
    };
    return answer(request);
  })();
  return opened;
}

/** Writes a batch under its number. One that was there already must have the same rows. */
async function write(batch, rows) {
  const transaction = (await database()).transaction(['batches', 'wrong'], 'readwrite', { durability: 'strict' });
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const batches = transaction.objectStore('batches');
  const before = await answer(batches.get(batch));
  if (!before && batch > 0 && !(await answer(batches.get(batch - 1)))) {
    transaction.objectStore('wrong').add(`batch ${batch} came before batch ${batch - 1}`);
  }
  if (before && JSON.stringify(before.rows) !== JSON.stringify(rows)) {
    transaction.objectStore('wrong').add(`batch ${batch} came again with ${JSON.stringify(rows)} after ${JSON.stringify(before.rows)}`);
  }
  batches.put({ rows: before?.rows ?? rows, times: (before?.times ?? 0) + 1 }, batch);
  await done;
}

const sink = (slowMs) => async (batch, id) => {
  const rows = (await batch.collect()).map((row) => JSON.stringify(Object.values(row).map(plain))).sort();
  if (throws === 'before') fail();
  await after(Math.random() * slowMs);
  await write(id, rows);
  await after(Math.random() * slowMs);
  note('batch', { batch: id, rows: rows.length });
  if (throws === 'after') fail();
};

function fail() {
  throws = undefined;
  mayEnd = true;
  throw new RangeError('the sink has a bad day');
}

async function session({ master, conf }) {
  let builder = SparkSession.builder.master(master);
  for (const [key, value] of Object.entries(conf)) builder = builder.config(key, value);
  const made = await builder.create();
  made.status.onExecutor((event) => note('executor', event));
  return made;
}

/** Starts the query: its id, or the condition of the error by which the engine refuses a second one on a checkpoint. */
export async function start(plan) {
  if (!spark || sessionLost) {
    sessionLost = false;
    workers.length = 0;
    spark = await session(plan);
  }
  const streams = plan.urls.map((url) =>
    spark.readStream.format('websocket').option('url', url).option('ack', true).options(plan.options).schema(SCHEMA).load(),
  );
  const { query: pipeline, mode = 'append' } = PIPELINES[plan.pipeline];
  const writer = pipeline(streams, plan.params, F, spark).writeStream.outputMode(mode).option('checkpointLocation', plan.location);
  try {
    query = await writer.foreachBatch(sink(plan.slowMs)).start();
  } catch (error) {
    if (error.condition !== 'CONCURRENT_STREAM_LOG_UPDATE') throw error;
    return { refused: error.condition };
  }
  mayEnd = false;
  ended = query.awaitTermination().then(
    () => ({}),
    (error) => ({ condition: error.condition, message: `${error.name}: ${error.message}` }),
  );
  ended.then(({ condition, message }) => {
    if (!mayEnd) note('ended', { condition, message });
  });
  return { id: query.id };
}

/** An executor that is alive, once there is one. */
async function someExecutor() {
  while (spark.status.executors.length === 0) {
    await new Promise((go) => {
      const stop = spark.status.onExecutor(() => {
        stop();
        go();
      });
    });
  }
  const alive = spark.status.executors;
  return alive[Math.floor(Math.random() * alive.length)];
}

/** Ends an executor: by the engine's own function, or as if the browser had. */
export async function endExecutor(how) {
  const executor = await someExecutor();
  if (how === 'killed') return spark.status.killExecutor(executor);
  worker(`executor ${executor}`).terminate();
  return true;
}

/** Ends the driver in the middle of whatever it does; settles when the page knows. */
export async function endDriver() {
  mayEnd = true;
  sessionLost = true;
  worker('driver').terminate();
  return ended;
}

/** Has the sink throw with its next batch; settles when the query has ended of it. */
export async function throwOnce(when) {
  throws = when;
  return ended;
}

/** Stops the query between its batches, or in one. */
export async function stop() {
  mayEnd = true;
  await query.stop();
}

/** Processes all there is and stops; what the checkpoint is like then. */
export async function finish(location) {
  await query.processAllAvailable();
  const progress = await query.lastProgress();
  await stop();
  const report = await spark.checkpoint.verify(location);
  await spark.stop();
  return { report, watermark: progress?.eventTime?.watermark };
}

/** All batches in their order, and what was wrong with any. */
export async function contents() {
  const transaction = (await database()).transaction(['batches', 'wrong']);
  const [batches, wrong] = ['batches', 'wrong'].map((name) => transaction.objectStore(name));
  const [keys, values, faults] = await Promise.all([answer(batches.getAllKeys()), answer(batches.getAll()), answer(wrong.getAll())]);
  return { batches: keys.map((batch, n) => ({ batch, ...values[n] })), wrong: faults };
}
