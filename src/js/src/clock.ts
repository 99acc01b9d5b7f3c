/** What time it is, and when to be called: the page's clock, or one that a test turns. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `work` once at (or after) this time; gives what takes it back. */
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

/** A clock that stands still until it is turned. */
export class ManualClock implements Clock {
  #now = 0;
  #waiting: { timeMs: number; work: () => void }[] = [];

  now(): number {
    return this.#now;
  }
  at(timeMs: number, work: () => void): () => void {
    const entry = { timeMs, work };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }
  /** Turns it on to this time; all that was due is called, earliest first. */
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
