import { SparkError } from '../errors.js';
import type { Functions } from '../functions/main.js';
import type { ProgramHost } from '../functions/program_host.js';
import { loadModule } from '../load_module.js';
import type { ReceiverId, ReceiverOrder } from '../protocol.js';
import { VERSION } from '../version.js';
import type { Worker } from './engine.js';

type Made = (functions: Functions) => ProgramHost;

/** Runs the user's functions by a script that is loaded when the first of them comes: most pages have none. */
export class LatePrograms implements ProgramHost {
  #programs: ProgramHost | undefined;
  #loading: Promise<void> | undefined;
  #failure: SparkError | undefined;
  /** What waits for the script, in order. */
  readonly #early: [work: (programs: ProgramHost) => void, otherwise: () => void][] = [];

  constructor(
    private readonly url: string,
    private readonly make: Made,
    private readonly says: Worker['receiverSays'],
  ) {}

  get loading(): Promise<void> | undefined {
    return this.#programs ? this.#programs.loading : this.#loading;
  }

  /** Does something with the script, now or when it is there; `otherwise` runs if it cannot be had. */
  #with(work: (programs: ProgramHost) => void, otherwise = () => {}): void {
    if (this.#programs) return work(this.#programs);
    if (this.#failure) return otherwise();
    this.#early.push([work, otherwise]);
    this.#loading ??= this.#load();
  }

  async #load(): Promise<void> {
    try {
      await loadModule(this.url);
      const functions = (globalThis as { rivuletFunctions?: Functions }).rivuletFunctions;
      if (functions?.VERSION !== VERSION)
        throw new SparkError(`it is of version ${functions?.VERSION ?? 'none'}, not ${VERSION}: clear stale caches`);
      this.#programs = this.make(functions);
      for (const [work] of this.#early.splice(0)) work(this.#programs);
    } catch (cause) {
      this.#failure = new SparkError(
        `The script that runs functions could not be loaded from ${this.url}: ${String(cause)}. Serve functions.js next to worker.js, ` +
          'or pass assets({ functionsUrl }).',
        { condition: 'RIVULET_FUNCTIONS_SCRIPT', cause },
      );
      for (const [, otherwise] of this.#early.splice(0)) otherwise();
    }
    this.#loading = undefined;
    await this.#programs?.loading;
  }

  #now(): ProgramHost {
    if (this.#programs) return this.#programs;
    throw this.#failure ?? new SparkError('a task came before its functions');
  }

  load(...plan: Parameters<ProgramHost['load']>): void {
    this.#with((programs) => programs.load(...plan));
  }
  loadFunction(...function_: Parameters<ProgramHost['loadFunction']>): void {
    this.#with((programs) => programs.loadFunction(...function_));
  }
  receiver(id: ReceiverId, order: ReceiverOrder, block?: Uint8Array): void {
    // The driver starts it again, with a pause.
    const failed = () => order.t === 'start' && this.says(id, { t: 'failed', message: this.#failure?.message ?? '' });
    this.#with((programs) => programs.receiver(id, order, block), failed);
  }
  run(...task: Parameters<ProgramHost['run']>): ReturnType<ProgramHost['run']> {
    return this.#now().run(...task);
  }
  callGroups(...call: Parameters<ProgramHost['callGroups']>): ReturnType<ProgramHost['callGroups']> {
    return this.#now().callGroups(...call);
  }
  unload(plan: number): void {
    this.#programs?.unload(plan);
  }
  keeps(dataset: number, partition: number): boolean {
    return this.#programs?.keeps(dataset, partition) ?? false;
  }
  kept(dataset: number, partition: number): Uint8Array | undefined {
    return this.#programs?.kept(dataset, partition);
  }
  forget(dataset: number): void {
    this.#programs?.forget(dataset);
  }
}
