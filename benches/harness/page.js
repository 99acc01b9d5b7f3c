// The page of a contender: loads fresh inputs, runs a workload under the clock, and keeps of its answer what is compared.
import { workloads } from '../workloads/index.js';
import { digest, made } from './answer.js';

/** The clock of a run, in seconds. */
class Clock {
  /** Seconds by part of the run, as the contender names them. */
  parts = {};
  /** Milliseconds of each group of W5. */
  latencies = undefined;

  /** Starts again: what the contender has prepared does not count. */
  start() {
    this.startMs = this.lastMs = performance.now();
  }

  /** Ends a part. */
  lap(part) {
    const now = performance.now();
    this.parts[part] = (now - this.lastMs) / 1_000;
    this.lastMs = now;
  }

  seconds() {
    return (performance.now() - this.startMs) / 1_000;
  }
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

/** Loads the files at `urls`, by input; each is an ArrayBuffer of its own. */
async function fetched(urls) {
  const load = async (url) => new Uint8Array(await (await fetch(url, { cache: 'no-store' })).arrayBuffer());
  return Object.fromEntries(await Promise.all(Object.entries(urls).map(async ([name, list]) => [name, await Promise.all(list.map(load))])));
}

/** Makes `globalThis.bench` of a contender: what harness/tab.mjs calls. */
export function present({ start, stop, runs, heapBytes }) {
  let inputs;
  let kept;
  globalThis.bench = {
    workloads: () => Object.keys(runs).filter((id) => runs[id]),
    start: () => start?.(),
    stop: () => stop?.(),
    async load(id, urls, scale, options) {
      kept = undefined;
      inputs = { ...(await fetched(urls)), ...workloads[id].make?.(scale), options };
      globalThis.gc?.();
    },
    async run(id) {
      const clock = new Clock();
      clock.start();
      kept = await runs[id](inputs, clock);
      const seconds = clock.seconds();
      const sorted = clock.latencies?.toSorted();
      return {
        seconds,
        parts: clock.parts,
        latency: sorted && { p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), p99: quantile(sorted, 0.99), max: sorted.at(-1) },
      };
    },
    answer: async (id) => digest(await made(kept), workloads[id].keys),
    heapBytes: () => heapBytes?.(),
    /** Seconds from the navigation to the first answer. */
    async cold() {
      await start?.();
      kept = await runs.cold(workloads.cold.make(), new Clock());
      return { seconds: performance.now() / 1_000 };
    },
  };
}
