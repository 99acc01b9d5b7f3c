import type { ActionOptions } from '../connect/action_options.js';
import { IllegalArgumentException } from '../errors.js';
import { WriteOperation_SaveMode as Mode } from '../generated/spark/connect/commands_pb.js';
import { withNeeds } from '../needs.js';
import { optionTexts } from './option.js';
import type { Context, Plan } from './plan.js';

/** What happens if there is something already where a table is saved; without one, that is an error. */
export type SaveMode = 'append' | 'overwrite' | 'ignore' | 'error' | 'errorifexists' | 'default';

const MODES: Readonly<Record<SaveMode, Mode>> = {
  append: Mode.APPEND,
  overwrite: Mode.OVERWRITE,
  ignore: Mode.IGNORE,
  error: Mode.ERROR_IF_EXISTS,
  errorifexists: Mode.ERROR_IF_EXISTS,
  default: Mode.ERROR_IF_EXISTS,
};

/** Says where a table goes: `df.write` (`DataFrameWriter`). A stream goes by `df.writeStream`. */
export class DataFrameWriter {
  #source: string | undefined;
  #mode: Mode = Mode.UNSPECIFIED;
  readonly #options: Record<string, string> = {};

  /** @internal */
  constructor(
    private readonly context: Context,
    private readonly plan: Plan,
  ) {}

  /** Sets what is written: files (`json`, `csv`, `text`), or the topics of `kafka`. */
  format(source: string): this {
    this.#source = source;
    return this;
  }
  /** Sets what happens if there is something already. Throws INVALID_SAVE_MODE for a word that is not a mode. */
  mode(saveMode: SaveMode): this {
    const mode = MODES[String(saveMode).toLowerCase() as SaveMode];
    if (mode === undefined) {
      const valid = Object.keys(MODES).map((word) => `"${word}"`);
      throw new IllegalArgumentException(
        `The specified save mode "${saveMode}" is invalid. Valid save modes include ${valid.join(', ')}.`,
        {
          condition: 'INVALID_SAVE_MODE',
          parameters: { mode: `"${saveMode}"` },
        },
      );
    }
    this.#mode = mode;
    return this;
  }
  /** Sets an option of what is written, such as `header` or `topic`; undefined leaves it as it is. */
  option(key: string, value: string | number | boolean): this {
    Object.assign(this.#options, optionTexts({ [key]: value }));
    return this;
  }
  /** Sets several options. */
  options(options: Readonly<Record<string, string | number | boolean>>): this {
    for (const [key, value] of Object.entries(options)) this.option(key, value);
    return this;
  }

  /**
   * Runs the table and writes its rows, into a folder of the engine's storage if `path` is given. Resolves when they are written. An
   * operation that is cancelled may have written some.
   */
  async save(path?: string, options: ActionOptions = {}): Promise<void> {
    const saveType = path === undefined ? ({ case: undefined } as const) : ({ case: 'path', value: path } as const);
    const value = { input: this.plan.relation, source: this.#source, mode: this.#mode, options: this.#options, saveType };
    await withNeeds(this.plan.needs, () => this.context.client.command({ case: 'writeOperation', value }, undefined, options.signal));
  }
  /** Writes JSON objects, one per line. */
  async json(path: string): Promise<void> {
    return this.format('json').save(path);
  }
  /** Writes CSV. */
  async csv(path: string): Promise<void> {
    return this.format('csv').save(path);
  }
  /** Writes the one column of strings as lines. */
  async text(path: string): Promise<void> {
    return this.format('text').save(path);
  }
}
