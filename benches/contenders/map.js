// Idiomatic JavaScript, one thread: the references of the workloads, timed. Latency needs more, as events come one by one.
import { workloads } from '../workloads/index.js';
import { Counts, drive } from '../workloads/w5.js';
import { counted, filtered, passes } from '../workloads/w8.js';

export default () => ({
  runs: {
    ...Object.fromEntries(Object.entries(workloads).map(([id, { reference }]) => [id, reference])),
    async W5({ events }, clock) {
      const counts = new Counts();
      clock.latencies = await drive(events, (from, to, visible) => {
        for (let i = from; i < to; i++) counts.add(Math.floor(events.times[i] / 1_000), events.keys[i]);
        visible(to);
      });
      return counts.columns();
    },
    W8: ({ events }, clock) =>
      filtered(events, clock, (saw) => (from, to) => {
        for (let i = from; i < to; i++) if (passes(events.keys[i])) saw(i);
      }),
    W8k: ({ events }, clock) =>
      counted(events, clock, (saw) => {
        const counts = new Map();
        return (from, to) => {
          for (let i = from; i < to; i++) {
            const n = (counts.get(events.keys[i]) ?? 0) + 1;
            counts.set(events.keys[i], n);
            saw(events.keys[i], n);
          }
        };
      }),
    W8m: undefined,
    empty: undefined,
  },
});
