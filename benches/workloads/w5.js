// W5: latency. 20,000 events per second come in groups of ten, whether or not the contender keeps up; counts by second and key are kept.
// A group's latency is the time from the moment at which it is due until the page sees counts that include it.
import { random } from './random.js';

const RATE = 20_000;
const GROUP = 10;
export const KEYS = 1_000;
const SECONDS = 20;
/** How long after the last event all counts must have been seen. */
const PATIENCE_MS = 30_000;

/** Returns the events of `seconds`: keys and event times in milliseconds from 0. */
function makeEvents(seconds) {
  const draw = random(7);
  const length = Math.round(RATE * seconds);
  return {
    length,
    keys: Int32Array.from({ length }, () => draw(KEYS)),
    times: Float64Array.from({ length }, (_, i) => (i * 1_000) / RATE),
  };
}

/** Counts by second and key as columns. */
export class Counts {
  #counts = new Map();

  set(second, key, n) {
    this.#counts.set(second * KEYS + key, n);
  }

  add(second, key) {
    const at = second * KEYS + key;
    this.#counts.set(at, (this.#counts.get(at) ?? 0) + 1);
  }

  columns() {
    const at = [...this.#counts.keys()];
    return { second: at.map((x) => Math.floor(x / KEYS)), key: at.map((x) => x % KEYS), n: [...this.#counts.values()] };
  }
}

/**
 * Sends events as they become due: `send(from, to, visible)` has those of that range, and calls `visible(to)` once the page has seen
 * the counts of all events before `to`. Returns the latency of each group.
 */
export async function drive({ length }, send) {
  const groups = length / GROUP;
  const latencies = new Float64Array(groups);
  const startMs = performance.now() + 20;
  const dueMs = (group) => startMs + ((group + 1) * GROUP * 1_000) / RATE;
  const finished = Promise.withResolvers();
  let [sent, seen] = [0, 0];
  const visible = (to) => {
    const now = performance.now();
    for (; seen < to; seen += GROUP) latencies[seen / GROUP] = now - dueMs(seen / GROUP);
    if (seen >= length) finished.resolve();
  };
  // Timers are too coarse: messages to itself keep the page looking, as a socket's messages would.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const now = performance.now();
    const from = sent;
    while (sent < length && dueMs(sent / GROUP) <= now) sent += GROUP;
    if (sent > from) send(from, sent, visible);
    if (sent < length) port2.postMessage(0);
  };
  port2.postMessage(0);
  const late = setTimeout(
    () => finished.reject(new Error(`counts of only ${seen} of ${length} events have been seen`)),
    (length / RATE) * 2_000 + PATIENCE_MS,
  );
  await finished.promise;
  clearTimeout(late);
  return latencies;
}

function reference({ events }) {
  const counts = new Counts();
  for (let i = 0; i < events.length; i++) counts.add(Math.floor(events.times[i] / 1_000), events.keys[i]);
  return counts.columns();
}

export const W5 = {
  title: 'latency at 20,000 events/s',
  /** Made on the page. */
  make: (scale) => ({ events: makeEvents(Math.max(2, SECONDS * Math.min(1, scale))) }),
  rows: (scale) => RATE * Math.max(2, SECONDS * Math.min(1, scale)),
  measures: 'latency',
  warmUpScale: 0.1,
  reps: 2,
  keys: ['second', 'key'],
  reference,
};
