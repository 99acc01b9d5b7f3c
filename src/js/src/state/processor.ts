import { IllegalArgumentException, SparkRuntimeException, UnsupportedOperationException } from '../errors.js';
import type { Row } from '../values/rows.js';
import { type Entry, type GroupEntries, keyOf, pack, unpack } from './entries.js';
import type { TimeMode } from './group_plan.js';
import { durationMs, type Times, timeOf } from './group_state.js';

/** The variable under which the engine keeps timers. */
const TIMERS = '#timers';

/**
 * What `transformWithState` runs, one object per task (`StatefulProcessor`). Its class's source text travels to the executors: it
 * sees its arguments and nothing of the page, and cannot extend a class of the page.
 */
export interface StatefulProcessor {
  /** Runs first: names the variables. */
  init(handle: StatefulProcessorHandle): void;
  /** Takes the rows of a key in this batch; returns rows of the result. */
  handleInputRows(key: Row, rows: Row[], timerValues: TimerValues): Iterable<Row> | void;
  /** Runs when a timer of a key has expired; returns rows of the result. */
  handleExpiredTimer?(key: Row, timerValues: TimerValues, expiredTimerInfo: ExpiredTimerInfo): Iterable<Row> | void;
  /** Runs last. */
  close?(): void;
}

/** Times of the batch, ms since the epoch (`TimerValues`). */
export class TimerValues {
  /** @internal */
  constructor(private readonly times: Times) {}
  /** Returns the time of this batch: the same when the batch runs again. */
  getCurrentProcessingTimeInMs(): number {
    return this.times.timeMs;
  }
  /** Returns the watermark of this batch; 0 where the stream has none. */
  getCurrentWatermarkInMs(): number {
    return this.times.watermarkMs ?? 0;
  }
}

/** The timer that has expired (`ExpiredTimerInfo`). */
export class ExpiredTimerInfo {
  /** @internal */
  constructor(private readonly expiryMs: number) {}
  /** Returns the time it was set to, ms since the epoch. */
  getExpiryTimeInMs(): number {
    return this.expiryMs;
  }
}

/** How long a value lives after it was last written. Only with time mode ProcessingTime (`TTLConfig`). */
export interface TTLConfig {
  /** Milliseconds, or `1 hour`. */
  ttlDuration: number | string;
}

/** The group whose turn it is: variables belong to a processor, their values to a key. */
export interface Current {
  entries: GroupEntries | undefined;
}

/** What the variables of a processor have in common. */
abstract class Variable {
  /** @internal */
  constructor(
    private readonly current: Current,
    protected readonly name: string,
    private readonly times: Times,
    private readonly ttlMs: number | undefined,
  ) {}

  protected get entries(): GroupEntries {
    if (!this.current.entries) {
      throw new SparkRuntimeException(`Variable ${this.name} has values only while a key is handled`, { condition: 'STATE_STORE_NO_KEY' });
    }
    return this.current.entries;
  }

  /** The entries that are not over. */
  protected *live(): Generator<[string, Entry]> {
    for (const [key, entry] of this.entries.of(this.name)) if (!this.#isOver(entry)) yield [key, entry];
  }

  protected find(entry: string): Entry | undefined {
    const found = this.entries.of(this.name).get(entry);
    return found && !this.#isOver(found) ? found : undefined;
  }

  #isOver({ expiresMs }: Entry): boolean {
    return expiresMs !== undefined && expiresMs <= this.times.timeMs;
  }

  /** Writes `packed`, which stands for `value`. */
  protected write(entry: string, value: unknown, packed = value): void {
    if (value === null || value === undefined)
      throw new IllegalArgumentException(`'${value}' is not a valid state value`, { condition: 'ILLEGAL_STATE_STORE_VALUE.NULL_VALUE' });
    this.entries.put(this.name, entry, {
      bytes: pack(packed),
      expiresMs: this.ttlMs === undefined ? undefined : this.times.timeMs + this.ttlMs,
    });
  }

  protected take(entry: string): void {
    this.entries.remove(this.name, entry);
  }

  /** Returns whether the key has a value that is not past its time to live. */
  exists(): boolean {
    return !this.live().next().done;
  }
  /** Forgets the key's values. */
  clear(): void {
    this.entries.clear(this.name);
  }
}

const unpacked = (entry: Entry): unknown => unpack(entry.bytes!);

/** One value per key (`ValueState`). */
export class ValueState<T = unknown> extends Variable {
  /** Returns the value, or undefined. */
  get(): T | undefined {
    const found = this.find('');
    return found && (unpacked(found) as T);
  }
  /** Sets the value: any value that can travel between workers, except null. */
  update(value: T): void {
    this.write('', value);
  }
}

/** A list per key; appending writes only the new elements (`ListState`). */
export class ListState<T = unknown> extends Variable {
  /** The number after the last element's, by group. */
  readonly #next = new WeakMap<GroupEntries, number>();

  /** Returns the elements, in order; an empty list if nothing was written. */
  get(): T[] {
    const found = [...this.live()].map(([key, entry]): [number, Entry] => [Number(key), entry]).sort((a, b) => a[0] - b[0]);
    return found.map(([, entry]) => unpacked(entry) as T);
  }
  /** Replaces the list. */
  put(values: Iterable<T>): void {
    this.clear();
    this.appendList(values);
  }
  /** Appends an element. */
  appendValue(value: T): void {
    this.appendList([value]);
  }
  /** Appends elements. */
  appendList(values: Iterable<T>): void {
    const { entries } = this;
    let next = this.#next.get(entries);
    // The elements that are there are looked at once, however many come.
    if (next === undefined) {
      next = 0;
      for (const key of entries.of(this.name).keys()) next = Math.max(next, Number(key) + 1);
    }
    for (const value of values) {
      this.write(String(next), value);
      this.#next.set(entries, ++next);
    }
  }
}

/** A map per key; a change writes only its entry (`MapState`). */
export class MapState<K = unknown, V = unknown> extends Variable {
  /** Returns the value of a key, or undefined. */
  getValue(key: K): V | undefined {
    const found = this.find(keyOf(pack(key)));
    return found && (unpack(found.bytes!) as [K, V])[1];
  }
  /** Returns whether the map has a key. */
  containsKey(key: K): boolean {
    return this.find(keyOf(pack(key))) !== undefined;
  }
  /** Sets the value of a key. */
  updateValue(key: K, value: V): void {
    this.write(keyOf(pack(key)), value, [key, value]);
  }
  /** Removes a key; does nothing if it is not there. */
  removeKey(key: K): void {
    this.take(keyOf(pack(key)));
  }
  /** Yields the entries. */
  *iterator(): Generator<[K, V]> {
    for (const [, entry] of this.live()) yield unpacked(entry) as [K, V];
  }
  /** Yields the keys. */
  *keys(): Generator<K> {
    for (const [key] of this.iterator()) yield key;
  }
  /** Yields the values. */
  *values(): Generator<V> {
    for (const [, value] of this.iterator()) yield value;
  }
}

/** Names a processor's variables and sets its timers (`StatefulProcessorHandle`). */
export class StatefulProcessorHandle {
  readonly #names = new Set<string>();
  #open = true;

  /** @internal */
  constructor(
    private readonly current: Current,
    private readonly times: Times,
    private readonly mode: TimeMode,
    private readonly batchId: number | null,
  ) {}

  /** Names a variable with one value per key. Throws after `init`, and for a name that is taken. */
  getValueState<T>(name: string, ttl?: TTLConfig): ValueState<T> {
    return new ValueState<T>(...this.#variable(name, ttl));
  }
  /** Names a variable with a list per key. Throws after `init`, and for a name that is taken. */
  getListState<T>(name: string, ttl?: TTLConfig): ListState<T> {
    return new ListState<T>(...this.#variable(name, ttl));
  }
  /** Names a variable with a map per key. Throws after `init`, and for a name that is taken. */
  getMapState<K, V>(name: string, ttl?: TTLConfig): MapState<K, V> {
    return new MapState<K, V>(...this.#variable(name, ttl));
  }

  #variable(name: string, ttl?: TTLConfig): [Current, string, Times, number | undefined] {
    if (!this.#open) {
      throw new SparkRuntimeException(`Variable ${name} must be named in init()`, {
        condition: 'STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_HANDLE_STATE',
      });
    }
    if (typeof name !== 'string' || name === '' || name.startsWith('#'))
      throw new IllegalArgumentException(`'${name}' is not a valid name of a variable`);
    if (this.#names.has(name)) {
      throw new SparkRuntimeException(`State variable with name ${name} has already been defined in the StatefulProcessor.`, {
        condition: 'STATEFUL_PROCESSOR_DUPLICATE_STATE_VARIABLE_DEFINED',
      });
    }
    this.#names.add(name);
    if (ttl === undefined) return [this.current, name, this.times, undefined];
    if (this.mode !== 'ProcessingTime') {
      throw new UnsupportedOperationException(
        `Cannot use TTL for state=${name} in timeMode=${this.mode}, use TimeMode.ProcessingTime() instead.`,
        { condition: 'STATEFUL_PROCESSOR_INCORRECT_TIME_MODE_TO_ASSIGN_TTL' },
      );
    }
    const ttlMs = durationMs(ttl.ttlDuration);
    if (!(ttlMs > 0))
      throw new UnsupportedOperationException(`TTL duration must be greater than zero for state=${name}.`, {
        condition: 'STATEFUL_PROCESSOR_TTL_DURATION_MUST_BE_POSITIVE',
      });
    return [this.current, name, this.times, ttlMs];
  }

  get #timers(): GroupEntries {
    if (this.mode === 'None') {
      throw new UnsupportedOperationException('Cannot perform timer operations with timeMode=None', {
        condition: 'STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_TIME_MODE',
      });
    }
    if (!this.current.entries)
      throw new SparkRuntimeException('Timers belong to a key: there is none in init() and close()', { condition: 'STATE_STORE_NO_KEY' });
    return this.current.entries;
  }
  /** Has `handleExpiredTimer` called once the time of the time mode has reached this one, whole ms since the epoch. */
  registerTimer(expiryTimestampMs: number): void {
    const expiresMs = timeOf(Number(expiryTimestampMs));
    this.#timers.put(TIMERS, String(expiresMs), { bytes: undefined, expiresMs });
  }
  /** Removes a timer of the key; does nothing if there is none. */
  deleteTimer(expiryTimestampMs: number): void {
    this.#timers.remove(TIMERS, String(timeOf(Number(expiryTimestampMs))));
  }
  /** Returns the key's timers, earliest first. */
  listTimers(): number[] {
    return [...this.#timers.of(TIMERS).keys()].map(Number).sort((a, b) => a - b);
  }
  /** Returns the number of the micro-batch; −1 in a batch query. */
  getQueryInfo(): { batchId: number } {
    return { batchId: this.batchId ?? -1 };
  }

  /** No more names; those that there are. @internal */
  seal(): ReadonlySet<string> {
    this.#open = false;
    return this.#names;
  }
}

/** Timers of a key that are at or before `thresholdMs`; timeouts of a group's state expire only once past. Both as in Spark. */
export function expiredTimers(entries: GroupEntries, thresholdMs: number): number[] {
  return [...entries.of(TIMERS).keys()]
    .map(Number)
    .filter((ms) => ms <= thresholdMs)
    .sort((a, b) => a - b);
}

/** Takes out what is past its time to live. */
export function expire(entries: GroupEntries, variables: Iterable<string>, nowMs: number): void {
  for (const variable of variables) {
    for (const [key, { expiresMs }] of [...entries.of(variable)])
      if (expiresMs !== undefined && expiresMs <= nowMs) entries.remove(variable, key);
  }
}

/** Forgets a timer that was handled. */
export function timerDone(entries: GroupEntries, expiryMs: number): void {
  entries.remove(TIMERS, String(expiryMs));
}
