// W8: latency of one event at a time. 20,000 events per second come one by one, whether or not the contender keeps up, and a function
// of the page is called for each: W8 with those that pass a filter, W8k with the count of the event's key, W8m with the same in
// micro-batches. An event's latency is the time from the moment at which it is due until the function is called with it.
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
 * Sends events as they become due, `send(from, to)` with those of that range, until all of `wanted` were seen; `attach(seen)` hands over
 * the function that says that an event was seen, by its number. Returns the latencies of those events.
 */
async function drive({ length }, wanted, attach, send) {
  const latencies = new Float64Array(length).fill(-1);
  const startMs = performance.now() + 20;
  const dueMs = (event) => startMs + ((event + 1) * 1_000) / RATE;
  const finished = Promise.withResolvers();
  let [sent, left] = [0, wanted];
  attach((event) => {
    if (latencies[event] >= 0) return;
    latencies[event] = Math.max(0, performance.now() - dueMs(event));
    left -= 1;
    if (left === 0) finished.resolve();
  });
  // Timers are too coarse: messages to itself keep the page looking, as a socket's messages would.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const now = performance.now();
    const from = sent;
    while (sent < length && dueMs(sent) <= now) sent += 1;
    if (sent > from) send(from, sent);
    if (sent < length) port2.postMessage(0);
  };
  port2.postMessage(0);
  const late = setTimeout(
    () => finished.reject(new Error(`${left} of ${wanted} events have not been seen`)),
    (length / RATE) * 2_000 + PATIENCE_MS,
  );
  await finished.promise;
  clearTimeout(late);
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
