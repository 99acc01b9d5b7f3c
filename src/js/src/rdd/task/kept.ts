import type { StorageLevel } from '../job_plan.js';
import { encode } from '../value_codec.js';

/** Bytes of kept partitions that an executor holds in memory by default. */
const DEFAULT_BUDGET_BYTES = 512 << 20;
/** Rows that are looked at to tell how large a partition is. */
const SAMPLE = 64;

interface Entry {
  rows: unknown[];
  bytes: number;
}

/** A partition that is kept from now on; with its block where the executor shall write it into its file. */
export interface Kept {
  bytes: number;
  block?: Uint8Array;
}

/**
 * Kept partitions in the executor's memory, as values. When a new one needs room, those of other datasets that were unused
 * for longest go; without room a partition is not kept (`MemoryStore`). Sizes are those of the rows as bytes, estimated from some
 * of them.
 */
export class KeptPartitions {
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(private readonly budgetBytes = DEFAULT_BUDGET_BYTES) {}

  get(dataset: number, partition: number): unknown[] | undefined {
    const key = `${dataset}/${partition}`;
    const found = this.#entries.get(key);
    if (!found) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found.rows;
  }

  has(dataset: number, partition: number): boolean {
    return this.#entries.has(`${dataset}/${partition}`);
  }

  /** A partition as a block, for another executor. */
  block(dataset: number, partition: number): Uint8Array | undefined {
    const rows = this.#entries.get(`${dataset}/${partition}`)?.rows;
    return rows && encode(rows);
  }

  /** Keeps a partition; undefined where there is no room for it. */
  keep(dataset: number, partition: number, rows: unknown[], level: StorageLevel): Kept | undefined {
    const key = `${dataset}/${partition}`;
    this.#drop(key);
    const block = level === 'MEMORY_ONLY' ? undefined : encode(rows);
    const bytes = block?.length ?? sizeOf(rows);
    if (level !== 'DISK_ONLY' && this.#makeRoom(bytes, dataset)) {
      this.#entries.set(key, { rows, bytes });
      this.#bytes += bytes;
    } else if (!block) return undefined;
    return { bytes, ...(block && { block }) };
  }

  forget(dataset: number): void {
    for (const key of this.#entries.keys()) if (key.startsWith(`${dataset}/`)) this.#drop(key);
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  #makeRoom(bytes: number, dataset: number): boolean {
    const others = [...this.#entries].filter(([key]) => !key.startsWith(`${dataset}/`));
    const possible = others.reduce((sum, [, entry]) => sum + entry.bytes, 0);
    if (this.#bytes - possible + bytes > this.budgetBytes) return false;
    for (const [key] of others) {
      if (this.#bytes + bytes <= this.budgetBytes) break;
      this.#drop(key);
    }
    return true;
  }
}

/** Bytes of rows as a block, estimated from a sample of them. */
function sizeOf(rows: readonly unknown[]): number {
  if (rows.length <= SAMPLE) return encode(rows).length;
  const sample = Array.from({ length: SAMPLE }, (_, i) => rows[Math.floor((i * rows.length) / SAMPLE)]);
  return Math.ceil((encode(sample).length * rows.length) / SAMPLE);
}

/** Bytes that a setting such as `512m` or `2g` says; a number alone is bytes. Undefined for a string that is not a size. */
export function bytesOf(text: string | undefined): number | undefined {
  const found = /^\s*(\d+)\s*([kmgt]?)b?\s*$/i.exec(text ?? '');
  if (!found) return undefined;
  return Number(found[1]) * 1024 ** ' kmgt'.indexOf(found[2]!.toLowerCase() || ' ');
}
