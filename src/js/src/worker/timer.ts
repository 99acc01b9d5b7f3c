/**
 * One timer that can be moved. Timers of dedicated workers are not throttled in hidden tabs as the page's are; a time
 * that has come already is delivered through a channel, without the clamp that browsers put on nested timeouts.
 */
export class Timer {
  #handle: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;
  readonly #channel = new MessageChannel();

  constructor(due: () => void) {
    this.#due = due;
    this.#channel.port1.onmessage = (event: MessageEvent<number>) => {
      if (event.data === this.#turn) due();
    };
  }

  readonly #due: () => void;

  /** Sets the time (epoch milliseconds), replacing the one before; undefined clears it. */
  set(atMs: number | undefined): void {
    clearTimeout(this.#handle);
    this.#turn += 1;
    if (atMs === undefined) return;
    const delayMs = atMs - Date.now();
    if (delayMs <= 0) this.#channel.port2.postMessage(this.#turn);
    else this.#handle = setTimeout(this.#due, Math.min(delayMs, 2 ** 31 - 1));
  }
}
