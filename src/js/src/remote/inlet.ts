import {
  WriteOperation_SaveTable_TableSaveMethod as Method,
  WriteOperation_SaveMode as Mode,
} from '../generated/remote/spark/connect/commands_pb.js';
import type { Relation } from '../generated/remote/spark/connect/relations_pb.js';
import { ArrowFitter } from '../values/arrow.js';
import { joinStreams } from '../values/ipc.js';
import type { StructType } from '../values/types.js';
import type { Calls } from './calls.js';
import { optionOf, parsed, tableOf, unpacked } from './lines.js';

/** How the bytes of a stream look: as of a push source. */
export interface InletFormat {
  /** `arrow`, `json`, `csv` or `text`. */
  format: string;
  /** The columns. */
  schema: StructType;
  /** Options of the string formats. */
  options: Readonly<Record<string, string>>;
}

/** Most bytes that one INSERT has. */
const MOST_BYTES = 32 << 20;

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;

/**
 * The way of a page's stream to a cluster: a table of the cluster that the page appends to, and that a query reads as a stream. What
 * INSERT has answered is durable, and is read once. The table is dropped with the session.
 */
export class Inlet {
  readonly #queue: Uint8Array[] = [];
  #opened: Promise<void> | undefined;
  #pump: Promise<void> | undefined;
  /** Files that are being read, one after the other. */
  #files: Promise<void> = Promise.resolve();
  #stored = 0;
  #failure: unknown;
  readonly #fitter: ArrowFitter;

  constructor(
    private readonly calls: Calls,
    /** Name of the table. */
    readonly table: string,
    readonly as: InletFormat,
    /** Hears how many blocks are stored, and how many bytes wait. */
    private readonly heard: (stored: number, queuedBytes: number) => void = () => {},
  ) {
    this.#fitter = new ArrowFitter(as.schema, true);
  }

  /** Makes the table, once. */
  open(): Promise<void> {
    this.#opened ??= this.calls.sql(`CREATE TABLE ${quoted(this.table)} (${this.as.schema.toDDL()}) USING parquet`);
    return this.#opened;
  }

  /** Adds a block: Arrow, or whole records. Throws what an earlier INSERT ended with. */
  push(block: Uint8Array): void {
    if (this.#failure) throw this.#failure;
    this.#queue.push(block);
    this.#pump ??= this.#insertAll().finally(() => {
      this.#pump = undefined;
    });
    // Whoever waits for it sees the failure.
    this.#pump.catch(() => {});
  }

  /** Adds a file's content, unpacked, when it is read. One that cannot be read ends the stream. */
  pushFile(blob: Blob): void {
    this.#files = this.#files
      .then(async () => this.push(new Uint8Array(await unpacked(blob).arrayBuffer())))
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
  }

  /** Says how many blocks are stored, and how many bytes wait. */
  report(): void {
    this.heard(
      this.#stored,
      this.#queue.reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
  }

  /** Waits until all blocks are in the table. */
  async flushed(): Promise<void> {
    await this.#files;
    await this.#pump;
    if (this.#failure) throw this.#failure;
  }

  /** Drops the table. */
  async drop(): Promise<void> {
    if (!this.#opened) return;
    await this.#opened.catch(() => {});
    await this.calls.sql(`DROP TABLE IF EXISTS ${quoted(this.table)}`);
  }

  async #insertAll(): Promise<void> {
    try {
      await this.open();
      while (this.#queue.length > 0) {
        const blocks = this.#taken();
        await this.#insert(this.#relation(blocks));
        this.#stored += blocks.length;
        this.report();
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** The blocks that go together: as many as waited, unless each has a header of its own. */
  #taken(): Uint8Array[] {
    const { format, options } = this.as;
    const alone = format === 'csv' && optionOf(options, 'header')?.toLowerCase() === 'true';
    let [count, bytes] = [0, 0];
    for (const { byteLength } of this.#queue) {
      bytes += byteLength;
      if (count > 0 && (alone || bytes > MOST_BYTES)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #relation(blocks: readonly Uint8Array[]): Relation {
    const { format, schema, options } = this.as;
    if (format === 'arrow') return tableOf(joinStreams(blocks.map((block) => this.#fitter.fit(block))), schema.json());
    const decoder = new TextDecoder();
    return parsed(
      blocks.map((block) => decoder.decode(block)),
      { format, schema, options },
    );
  }

  async #insert(input: Relation): Promise<void> {
    const saveType = { case: 'table', value: { tableName: quoted(this.table), saveMethod: Method.INSERT_INTO } } as const;
    await this.calls.command({ commandType: { case: 'writeOperation', value: { input, mode: Mode.APPEND, saveType } } });
  }
}
