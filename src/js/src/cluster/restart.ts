const WINDOW_MS = 60_000;
const FREE_RESTARTS = 3;
const MAX_RESTARTS = 12;

/**
 * How long to wait before an executor is replaced: at once for the first deaths, then doubling from 250 ms; undefined when
 * executors die too often (12 in a minute) for another try to help.
 */
export class RestartPolicy {
  readonly #deathsMs: number[] = [];

  /** Notes a death at `nowMs` and returns the delay before the replacement. */
  delayMs(nowMs: number): number | undefined {
    while ((this.#deathsMs[0] ?? nowMs) < nowMs - WINDOW_MS) this.#deathsMs.shift();
    this.#deathsMs.push(nowMs);
    const recent = this.#deathsMs.length;
    if (recent > MAX_RESTARTS) return undefined;
    return recent <= FREE_RESTARTS ? 0 : Math.min(250 * 2 ** (recent - FREE_RESTARTS - 1), 8_000);
  }
}
