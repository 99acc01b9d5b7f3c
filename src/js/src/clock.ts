/** Tells the time, and calls back at a time: the page's clock, or one that a test moves. */
export interface Clock {
  /** Returns milliseconds since the epoch. */
  now(): number;
  /** Calls `work` once at (or after) this time. Returns a function that cancels the call. */
  at(timeMs: number, work: () => void): () => void;
}

/** The page's clock. A page in the background is called late; batches then follow one another without pause. */
export const systemClock: Clock = {
  now: () => Date.now(),
  at: (timeMs, work) => {
    const timer = setTimeout(work, Math.max(0, timeMs - Date.now()));
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until it is moved, for tests (`ManualClock`). */
export class ManualClock implements Clock {
  #now = 0;
  #waiting: { timeMs: number; work: () => void }[] = [];

  /** Returns milliseconds since the epoch; 0 at first. */
  now(): number {
    return this.#now;
  }
  /** Calls `work` once the clock has reached this time. Returns a function that cancels the call. */
  at(timeMs: number, work: () => void): () => void {
    const entry = { timeMs, work };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }
  /** Moves the clock to this time; all calls that are due run, earliest first. */
  advanceTo(timeMs: number): void {
    for (;;) {
      const due = this.#waiting.filter((entry) => entry.timeMs <= timeMs).sort((a, b) => a.timeMs - b.timeMs)[0];
      if (!due) break;
      this.#waiting = this.#waiting.filter((entry) => entry !== due);
      this.#now = Math.max(this.#now, due.timeMs);
      due.work();
    }
    this.#now = Math.max(this.#now, timeMs);
  }
}
