/**
 * An action that runs in the background and can be cancelled (`FutureAction`). Await it for the result.
 * @example
 * ```ts
 * const counting = sc.range(1_000).countAsync();
 * await counting; // → 1000
 * ```
 */
export class FutureAction<T> implements PromiseLike<T> {
  readonly #abort = new AbortController();
  readonly #result: Promise<T>;
  #completed = false;

  /** @internal */
  constructor(run: (signal: AbortSignal) => Promise<T>) {
    this.#result = run(this.#abort.signal).finally(() => {
      this.#completed = true;
    });
    // Whoever awaits it sees the failure; until then it is nobody's unhandled rejection.
    this.#result.catch(() => {});
  }

  /** Ends the job; the action rejects with an AbortError. Does nothing once it is done. */
  cancel(): void {
    this.#abort.abort(new DOMException('The action was cancelled', 'AbortError'));
  }
  /** Whether {@link cancel} was called. */
  get isCancelled(): boolean {
    return this.#abort.signal.aborted;
  }
  /** Whether it is done, with a result or an error. */
  get isCompleted(): boolean {
    return this.#completed;
  }

  /** Calls `done` with the result or `failed` with the error, as a promise does. */
  then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(done, failed);
  }
}
