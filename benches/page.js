// The bench's page: fetches the input, then runs one contender at a time on fresh copies of it.
import duckdb from './duckdb.js';
import { rivulet } from './rivulet.js';
import typed from './typed.js';

const contenders = { typed, duckdb, 'rivulet-1': rivulet(1), 'rivulet-2': rivulet(2) };
let input;
let offsets;

globalThis.bench = {
  async load(all) {
    offsets = all;
    input = new Uint8Array(await (await fetch('/input.ndjson')).arrayBuffer());
  },
  name: (id) => contenders[id].name,
  start: (id) => contenders[id].start(),
  stop: (id) => contenders[id].stop(),
  /** One run over the first `count` batches: seconds, checksum of the answers, and what the contender notes. */
  async run(id, count) {
    const batches = Array.from({ length: count }, (_, n) => input.slice(offsets[n], offsets[n + 1]));
    let noted;
    const startedMs = performance.now();
    const answers = await contenders[id].run(batches, (progress) => {
      noted = progress;
    });
    const seconds = (performance.now() - startedMs) / 1_000;
    return { seconds, answers, durations: noted && durationsOf(noted), heap: await contenders[id].heapBytes?.() };
  },
};

/** Milliseconds by step, summed over the batches. */
function durationsOf(progress) {
  const sums = {};
  for (const { durationMs } of progress) for (const [step, ms] of Object.entries(durationMs ?? {})) sums[step] = (sums[step] ?? 0) + ms;
  return sums;
}
