/**
 * The state of groups as the engine keeps it: entries of (variable, entry, value, expiry). Changes are noted, so that
 * the answer holds nothing else.
 */
import * as A from '@uwdata/flechette';
import { decode, encode } from '../rdd/value_codec.js';

/** A value; undefined `bytes` is an entry without one. */
export interface Entry {
  bytes: Uint8Array | undefined;
  expiresMs: number | undefined;
}

/** Entries are found by strings of one character per byte. */
export const keyOf = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};
const bytesOf = (key: string): Uint8Array => Uint8Array.from(key, (character) => character.charCodeAt(0));

export const pack = (value: unknown): Uint8Array => encode([value]);
export const unpack = (bytes: Uint8Array): unknown => decode(bytes)[0];

/** The entries of one group: by variable, then by entry, in the order in which they came. */
export class GroupEntries {
  readonly #variables = new Map<string, Map<string, Entry>>();
  readonly #changed = new Map<string, Set<string>>();

  /** As the engine has it. */
  load(variable: string, entry: string, value: Entry): void {
    this.of(variable).set(entry, value);
  }

  /** The entries of a variable; not to be changed. */
  of(variable: string): Map<string, Entry> {
    let found = this.#variables.get(variable);
    if (!found) this.#variables.set(variable, (found = new Map()));
    return found;
  }

  put(variable: string, entry: string, value: Entry): void {
    this.of(variable).set(entry, value);
    this.#note(variable, entry);
  }

  remove(variable: string, entry: string): void {
    if (this.of(variable).delete(entry)) this.#note(variable, entry);
  }

  clear(variable: string): void {
    for (const entry of [...this.of(variable).keys()]) this.remove(variable, entry);
  }

  #note(variable: string, entry: string): void {
    let entries = this.#changed.get(variable);
    if (!entries) this.#changed.set(variable, (entries = new Set()));
    entries.add(entry);
  }

  /** What was changed since it was loaded; no entry means that it is gone. */
  *changes(): Generator<{ variable: string; entry: string; value: Entry | undefined }> {
    for (const [variable, entries] of this.#changed) {
      for (const entry of entries) yield { variable, entry, value: this.of(variable).get(entry) };
    }
  }
}

/** The entries of each group, from the engine's rows, which stand group after group. */
export function readEntries(ipc: Uint8Array, counts: readonly number[]): GroupEntries[] {
  const table = A.tableFromIPC(ipc);
  const [variables, entries, values, expiries] = [0, 1, 2, 3].map((i) => table.getChildAt(i)) as unknown as [
    A.Column<string>,
    A.Column<Uint8Array>,
    A.Column<Uint8Array | null>,
    A.Column<number | null>,
  ];
  let row = 0;
  return counts.map((count) => {
    const group = new GroupEntries();
    for (const end = row + count; row < end; row++) {
      group.load(variables.at(row)!, keyOf(entries.at(row)!), { bytes: values.at(row)?.slice(), expiresMs: expiries.at(row) ?? undefined });
    }
    return group;
  });
}

/** The changes of all groups as an Arrow stream; undefined where there are none. */
export function writeChanges(groups: readonly GroupEntries[]): Uint8Array | undefined {
  const columns = {
    '#group': [] as number[],
    '#variable': [] as string[],
    '#entry': [] as Uint8Array[],
    '#value': [] as (Uint8Array | null)[],
    '#expires': [] as (number | null)[],
    '#removed': [] as boolean[],
  };
  groups.forEach((group, number) => {
    for (const { variable, entry, value } of group.changes()) {
      columns['#group'].push(number);
      columns['#variable'].push(variable);
      columns['#entry'].push(bytesOf(entry));
      columns['#value'].push(value?.bytes ?? null);
      columns['#expires'].push(value?.expiresMs ?? null);
      columns['#removed'].push(value === undefined);
    }
  });
  if (columns['#group'].length === 0) return undefined;
  const types = {
    '#group': A.int32(),
    '#variable': A.utf8(),
    '#entry': A.binary(),
    '#value': A.binary(),
    '#expires': A.timestamp(A.TimeUnit.MICROSECOND),
    '#removed': A.bool(),
  };
  const made = Object.entries(columns).map(([name, values]) => [
    name,
    A.columnFromValues(values as unknown[], types[name as keyof typeof types]),
  ]);
  return A.tableToIPC(A.tableFromColumns(made as [string, A.Column<unknown>][]), { format: 'stream' }) ?? undefined;
}
