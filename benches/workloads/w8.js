// W8: latency of one event at a time. 20,000 events per second come, whether or not the contender keeps up, and a function of the page
// is called for each: W8 with those that pass a filter, W8k with the count of the event's key, W8m with the same in micro-batches. An
// event's latency is the time from its arrival, when a worker posts it to the page, until the function is called with it.
import { random } from './random.js';

const RATE = 20_000;
const KEYS = 1_000;
const SECONDS = 20;
/** How long after the last event all must have been seen. */
const PATIENCE_MS = 30_000;

/** Returns whether an event of that key passes the filter of W8. */
export const passes = (key) => key % 10 !== 0;

/** Returns the keys of the events of `seconds`. */
function makeEvents(seconds) {
  const draw = random(8);
  const length = Math.round(RATE * seconds);
  return { length, keys: Int32Array.from({ length }, () => draw(KEYS)) };
}

/**
 * A worker from which events arrive as from a socket: every half millisecond it says how many are due by now, and when it said so.
 * Timers are too coarse, and a page that looks at its clock all the time leaves the others one core of two; a wait on shared memory
 * does neither.
 */
const ARRIVALS = `
const cell = new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
const nowMs = () => performance.timeOrigin + performance.now();
onmessage = ({ data: { startMs, length, rate } }) => {
  for (let due = 0; due < length; ) {
    Atomics.wait(cell, 0, 0, 0.5);
    const atMs = nowMs();
    const until = Math.min(length, Math.max(0, Math.floor(((atMs - startMs) * rate) / 1_000)));
    if (until === due) continue;
    due = until;
    postMessage({ until, atMs });
  }
};`;

/**
 * Sends events as they arrive, `send(from, to)` with those of that range, until all of `wanted` were seen; `attach(seen)` hands over
 * the function that says that an event was seen, by its number. Returns the latencies of those events.
 */
async function drive({ length }, wanted, attach, send) {
  const latencies = new Float64Array(length).fill(-1);
  const arrivedMs = new Float64Array(length);
  const nowMs = () => performance.timeOrigin + performance.now();
  const finished = Promise.withResolvers();
  let [sent, left] = [0, wanted];
  attach((event) => {
    if (latencies[event] >= 0) return;
    latencies[event] = Math.max(0, nowMs() - arrivedMs[event]);
    left -= 1;
    if (left === 0) finished.resolve();
  });
  const url = URL.createObjectURL(new Blob([ARRIVALS], { type: 'text/javascript' }));
  const arrivals = new Worker(url);
  arrivals.onmessage = ({ data: { until, atMs } }) => {
    const from = sent;
    sent = until;
    arrivedMs.fill(atMs, from, until);
    send(from, until);
  };
  arrivals.onerror = ({ message }) => finished.reject(new Error(message));
  arrivals.postMessage({ startMs: nowMs() + 20, length, rate: RATE });
  const late = setTimeout(
    () => finished.reject(new Error(`${left} of ${wanted} events have not been seen`)),
    (length / RATE) * 2_000 + PATIENCE_MS,
  );
  try {
    await finished.promise;
  } finally {
    clearTimeout(late);
    arrivals.terminate();
    URL.revokeObjectURL(url);
  }
  return latencies.filter((ms) => ms >= 0);
}

/** Runs W8: `begin(saw, events)` starts the contender, which calls `saw(number)` for each event that passes; it returns `send`. */
export async function filtered(events, clock, begin) {
  const wanted = events.keys.reduce((count, key) => count + (passes(key) ? 1 : 0), 0);
  let [count, sum, seen] = [0, 0, () => {}];
  const saw = (number) => {
    count += 1;
    sum += number;
    seen(number);
  };
  const send = await begin(saw);
  clock.latencies = await drive(
    events,
    wanted,
    (f) => {
      seen = f;
    },
    send,
  );
  return { n: [count], sum: [sum] };
}

/** Runs W8k: `begin(saw)` starts the contender, which calls `saw(key, n)` when the count of a key has become n; it returns `send`. */
export async function counted(events, clock, begin) {
  // The numbers of each key's events, and how many of them were seen.
  const numbers = Array.from({ length: KEYS }, () => []);
  events.keys.forEach((key, number) => numbers[key].push(number));
  const reached = new Int32Array(KEYS);
  let seen = () => {};
  const saw = (key, n) => {
    while (reached[key] < n) seen(numbers[key][reached[key]++]);
  };
  const send = await begin(saw);
  clock.latencies = await drive(
    events,
    events.length,
    (f) => {
      seen = f;
    },
    send,
  );
  return { key: Array.from(reached.keys()), n: [...reached] };
}

const workload = (title, reference, keys) => ({
  title,
  make: (scale) => ({ events: makeEvents(Math.max(2, SECONDS * Math.min(1, scale))) }),
  rows: (scale) => RATE * Math.max(2, SECONDS * Math.min(1, scale)),
  measures: 'latency',
  warmUpScale: 0.1,
  reps: 2,
  keys,
  reference,
});

const references = {
  filter: ({ events }) => {
    const numbers = Array.from(events.keys.keys()).filter((number) => passes(events.keys[number]));
    return { n: [numbers.length], sum: [numbers.reduce((sum, number) => sum + number, 0)] };
  },
  count: ({ events }) => {
    const counts = new Int32Array(KEYS);
    for (const key of events.keys) counts[key] += 1;
    return { key: Array.from(counts.keys()), n: [...counts] };
  },
};

export const W8 = workload('latency, event by event', references.filter, ['n']);
export const W8k = workload('the same, count by key', references.count, ['key']);
export const W8m = workload('the same in micro-batches', references.count, ['key']);
