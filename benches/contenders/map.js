// Idiomatic JavaScript, one thread: the references of the workloads, timed. Latency needs more, as events come one by one.
import { workloads } from '../workloads/index.js';
import { Counts, drive } from '../workloads/w5.js';

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
    empty: undefined,
  },
});
