import { IllegalArgumentException } from '../errors.js';

/** The properties of a job when its action was called. */
export interface Job {
  group: string | undefined;
  description: string | null;
  /** Undefined where jobs are served first come, first served. */
  pool: { name: string; weight: number; minShare: number } | undefined;
}

/** Local properties that mean something to the engine. */
const [GROUP, DESCRIPTION, POOL] = ['spark.jobGroup.id', 'spark.job.description', 'spark.scheduler.pool'];

/**
 * The properties of the jobs to come (`SparkContext.setLocalProperty` and what is built on it), and how to cancel those that run.
 * In Spark they are set per thread; a page has one, so they hold for all jobs from the call on.
 */
export class Jobs {
  readonly #properties = new Map<string, string>();
  readonly #active = new Set<{ group: string | undefined; abort: AbortController }>();

  constructor(private readonly conf: Readonly<Record<string, string>>) {}

  set(key: string, value: string | null): void {
    if (value === null) this.#properties.delete(key);
    else this.#properties.set(key, value);
  }
  get(key: string): string | null {
    return this.#properties.get(key) ?? null;
  }

  setGroup(id: string, description: string): void {
    this.set(GROUP!, id);
    this.set(DESCRIPTION!, description);
  }
  clearGroup(): void {
    for (const key of [GROUP!, DESCRIPTION!]) this.set(key, null);
  }
  describe(text: string | null): void {
    this.set(DESCRIPTION!, text);
  }

  /** What holds for a job whose action is called now. */
  next(): Job {
    return { group: this.#properties.get(GROUP!), description: this.get(DESCRIPTION!), pool: this.#pool() };
  }

  /** The pool of the next job; undefined where jobs are served first come, first served. */
  #pool(): { name: string; weight: number; minShare: number } | undefined {
    // The engine has refused anything but FIFO and FAIR.
    if (this.conf['spark.scheduler.mode']?.toUpperCase() !== 'FAIR') return undefined;
    const name = this.get(POOL!) ?? 'default';
    const setting = (what: string, otherwise: number) => {
      const text = this.conf[`spark.rivulet.scheduler.pool.${name}.${what}`];
      if (text === undefined) return otherwise;
      const value = Number(text);
      if (Number.isInteger(value) && value >= 0) return value;
      throw new IllegalArgumentException(`spark.rivulet.scheduler.pool.${name}.${what} must be a whole number, got ${text}`);
    };
    return { name, weight: Math.max(1, setting('weight', 1)), minShare: setting('minShare', 0) };
  }

  /** Runs a job that can be cancelled by its group, or by the caller's signal. */
  async run<T>({ group }: Job, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const entry = { group, abort: new AbortController() };
    this.#active.add(entry);
    try {
      return await work(signal ? AbortSignal.any([signal, entry.abort.signal]) : entry.abort.signal);
    } finally {
      this.#active.delete(entry);
    }
  }

  /** Cancels the jobs of a group, or all. */
  cancel(group: string | undefined, why: Error): void {
    for (const entry of this.#active) if (group === undefined || entry.group === group) entry.abort.abort(why);
  }
}
