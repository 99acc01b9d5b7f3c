import { SparkError } from '../errors.js';
import { openFolder, writeFile } from '../files/open.js';

const METADATA = 'streaming.json';

/** A state of a stream that was written. */
export interface WrittenState {
  timeMs: number;
  partitions: number;
}

/** What is known of a context after its last batch. */
export interface StreamingMetadata {
  version: 1;
  batchMs: number;
  zeroMs: number;
  /** The last batch whose outputs are done. */
  completedMs: number;
  /** Kinds of the streams, in their order: only the same program continues from it. */
  graph: string[];
  /** States that were written and may be needed, oldest first, by number of the stream. */
  states: Record<number, WrittenState[]>;
  /** What inputs note of themselves, by number of the stream. */
  inputs: Record<number, unknown>;
}

/**
 * Where a streaming context writes what it needs to continue after its tab has gone: received records before they are processed,
 * states every now and then, and after each batch how far it has come (`CheckpointWriter`, `ReceivedBlockTracker`).
 */
export class StreamingCheckpoint {
  #folder: Promise<FileSystemDirectoryHandle> | undefined;

  constructor(private readonly directory: string | FileSystemDirectoryHandle) {}

  #root(): Promise<FileSystemDirectoryHandle> {
    return (this.#folder ??= openFolder(this.directory));
  }

  /** Returns the metadata of an earlier life, or undefined. */
  async read(): Promise<StreamingMetadata | undefined> {
    const root = await this.#root();
    const handle = await root.getFileHandle(METADATA).catch(() => undefined);
    if (!handle) return undefined;
    const text = await (await handle.getFile()).text();
    try {
      const read = JSON.parse(text) as StreamingMetadata;
      if (read.version === 1) return read;
    } catch {
      /* thrown below */
    }
    throw new SparkError(`The checkpoint's ${METADATA} cannot be read: ${text.slice(0, 80)}`, {
      condition: 'CANNOT_LOAD_STREAMING_CHECKPOINT',
    });
  }

  /** Whole or not at all: a file changes when its stream is closed. */
  async write(metadata: StreamingMetadata): Promise<void> {
    await writeFile(await this.#root(), METADATA, JSON.stringify(metadata));
  }

  async writeReceived(stream: number, timeMs: number, block: Uint8Array): Promise<void> {
    await writeFile(await this.#root(), `received-${stream}-${timeMs}`, block as Uint8Array<ArrayBuffer>);
  }

  /** Blocks of a stream by their batch's time. */
  async received(stream: number): Promise<Map<number, Uint8Array>> {
    const out = new Map<number, Uint8Array>();
    for await (const [name, entry] of (await this.#root()).entries()) {
      const found = /^received-(\d+)-(\d+)$/.exec(name);
      if (!found || Number(found[1]) !== stream) continue;
      out.set(Number(found[2]), new Uint8Array(await (await (entry as FileSystemFileHandle).getFile()).arrayBuffer()));
    }
    return out;
  }

  /** Writes a state and returns its files, partition by partition. */
  async writeState(stream: number, timeMs: number, blocks: readonly Uint8Array[]): Promise<Blob[]> {
    const folder = await (await this.#root()).getDirectoryHandle(`state-${stream}-${timeMs}`, { create: true });
    await Promise.all(blocks.map((block, i) => writeFile(folder, `part-${i}`, block as Uint8Array<ArrayBuffer>)));
    return this.#parts(folder, blocks.length);
  }

  async state(stream: number, timeMs: number, partitions: number): Promise<Blob[]> {
    return this.#parts(await (await this.#root()).getDirectoryHandle(`state-${stream}-${timeMs}`), partitions);
  }

  #parts(folder: FileSystemDirectoryHandle, partitions: number): Promise<Blob[]> {
    return Promise.all(Array.from({ length: partitions }, async (_, i) => (await folder.getFileHandle(`part-${i}`)).getFile()));
  }

  /** Removes what is not wanted any more. */
  async sweep(wanted: (what: 'received' | 'state', stream: number, timeMs: number) => boolean): Promise<void> {
    const root = await this.#root();
    const old: string[] = [];
    for await (const name of root.keys()) {
      const found = /^(received|state)-(\d+)-(\d+)$/.exec(name);
      if (found && !wanted(found[1] as 'received' | 'state', Number(found[2]), Number(found[3]))) old.push(name);
    }
    // What another sweep has removed is gone, too.
    for (const name of old) await root.removeEntry(name, { recursive: true }).catch(() => {});
  }
}
