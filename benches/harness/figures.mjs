// What runs come to: medians, and the figure by which a workload is compared.
import { contenders as registry } from '../contenders/index.mjs';
import { workloads } from '../workloads/index.js';

export const median = (numbers) => {
  const sorted = numbers.filter((n) => !Number.isNaN(n)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The rounds of a bench at a scale, by workload, and figures of them. */
export class Figures {
  constructor(rounds, scale) {
    Object.assign(this, { rounds, scale });
  }

  /** The share of a workload's rows that a contender takes. */
  share(id, contender) {
    const most = registry[contender].most?.[id];
    return most === undefined ? 1 : Math.min(1, most / workloads[id].rows(this.scale));
  }

  /** The median of what `pick` takes of the runs; undefined if there is none whose answer counts. */
  of(id, contender, pick = ({ seconds }) => seconds) {
    const round = this.rounds[id];
    const runs = round?.runs[contender];
    if (!runs || round.differences[contender] || round.failures[contender]) return undefined;
    return median(runs.map(pick));
  }

  /** The seconds of a part; those of a contender that takes some of the rows as if it took all of them, at that rate. */
  part(id, contender, part) {
    return this.of(id, contender, ({ parts }) => parts[part]) / this.share(id, contender);
  }

  latency(id, contender, quantile) {
    return this.of(id, contender, ({ latency }) => latency[quantile]);
  }

  /** The seconds that two contenders are compared by. */
  seconds(id, contender) {
    if (workloads[id].measures === 'latency') return this.latency(id, contender, 'p50') / 1_000;
    if (workloads[id].measures === 'parts') return this.part(id, contender, 'empty');
    return this.of(id, contender) / this.share(id, contender);
  }

  /** How often the seconds of `other` are those of `contender`: above 1 it is the faster one. */
  ratio(id, contender, other) {
    return this.seconds(id, other) / this.seconds(id, contender);
  }

  /** The same ratio run by run, as `[least, median, greatest]`: runs of one turn met the same machine. Undefined without runs that count. */
  ratios(id, contender, other) {
    if (![contender, other].every((one) => this.of(id, one) !== undefined)) return undefined;
    const { runs } = this.rounds[id];
    const secondsOf = ({ seconds, parts, latency }) => ({ latency: latency?.p50, parts: parts?.empty })[workloads[id].measures] ?? seconds;
    const ratios = runs[contender].map((run, n) => secondsOf(runs[other][n]) / secondsOf(run));
    return [Math.min(...ratios), median(ratios), Math.max(...ratios)];
  }

  /** Names of a workload's contenders whose runs count. */
  contenders(id) {
    return Object.keys(this.rounds[id]?.runs ?? {}).filter((contender) => this.of(id, contender) !== undefined);
  }
}
