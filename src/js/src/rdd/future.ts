/** An action that runs in the background and can be cancelled (`FutureAction`). Await it for the result. */
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

  /** Ends the job; the action rejects. One that is over stays as it is. */
  cancel(): void {
    this.#abort.abort(new DOMException('The action was cancelled', 'AbortError'));
  }
  get isCancelled(): boolean {
    return this.#abort.signal.aborted;
  }
  get isCompleted(): boolean {
    return this.#completed;
  }

  then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(done, failed);
  }
}
