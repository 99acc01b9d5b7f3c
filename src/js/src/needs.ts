/**
 * What plans need: files that are being registered, rows that datasets compute first, the page's ends of streams. All that is derived
 * from a plan inherits its needs, so what a need owns can go when nobody has the need any more.
 */

/** Settles when a plan that has it can run. @internal */
export type Need = PromiseLike<void>;

/** Needs that own something. */
const owners = new WeakSet<Need>();
const forgotten = new FinalizationRegistry<() => void>((forget) => forget());

/** Calls `forget`, which must not refer to the need, when nobody has the need any more. @internal */
export function owns(need: Need, forget: () => void): void {
  owners.add(need);
  forgotten.register(need, forget);
}

/** What is in use: code that nobody refers to any more would else be let go in mid-run. */
const inUse = new Map<symbol, unknown>();

/** Keeps needs, or what else somebody waits for, until the function that it returns is called. @internal */
export function hold(what: unknown): () => void {
  const token = Symbol();
  inUse.set(token, what);
  return () => void inUse.delete(token);
}

/** Waits for needs, and keeps them until the work is done. @internal */
export async function withNeeds<T>(needs: readonly Need[], work: () => Promise<T>): Promise<T> {
  const release = hold(needs);
  try {
    await Promise.all(needs);
    return await work();
  } finally {
    release();
  }
}

/** Needs that stay as long as a session: those of its views. @internal */
export class KeptNeeds {
  readonly #needs = new Set<Need>();
  /** Whether the session has ended: its engine hears nothing any more. */
  isOver = false;

  /** Keeps those that own something; rows of datasets are in the engine by now. */
  keep(needs: readonly Need[]): void {
    for (const need of needs) if (owners.has(need)) this.#needs.add(need);
  }

  /** Lets all of them go. */
  clear(): void {
    this.isOver = true;
    this.#needs.clear();
  }
}
