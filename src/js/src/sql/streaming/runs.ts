/** Knows when the runs of queries end that the page has started. */
import type { Runs } from '../plan.js';

/** What is to be done at the ends of runs. @internal */
export class PageRuns implements Runs {
  readonly #ends = new Map<string, () => void>();
  /** Runs that ended while others were being started: the page may not know yet that one of them is its own. */
  readonly #early = new Set<string>();
  #starting = 0;

  async start<T extends { runId: string }>(start: () => Promise<T>, ended: (runId: string | undefined) => void): Promise<T> {
    this.#starting++;
    try {
      const run = await start();
      const end = () => ended(run.runId);
      if (this.#early.has(run.runId)) end();
      else this.#ends.set(run.runId, end);
      return run;
    } catch (error) {
      ended(undefined);
      throw error;
    } finally {
      if (--this.#starting === 0) this.#early.clear();
    }
  }

  /** Notes that a run has ended. */
  ended(runId: string): void {
    this.#ends.get(runId)?.();
    if (!this.#ends.delete(runId) && this.#starting > 0) this.#early.add(runId);
  }
}
