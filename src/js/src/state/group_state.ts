import { IllegalArgumentException, SparkRuntimeException, UnsupportedOperationException } from '../errors.js';
import { type GroupEntries, pack, unpack } from './entries.js';
import type { GroupStateTimeout } from './group_plan.js';

/** What a batch's functions know of time. */
export interface Times {
  timeMs: number;
  watermarkMs: number | null;
}

const UNITS: Record<string, number> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

/** Milliseconds of `10 minutes`, `1 hour 30 seconds`, or a number of milliseconds. */
export function durationMs(duration: number | string): number {
  if (typeof duration === 'number') return duration;
  let left = duration
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, '');
  let total = 0;
  while (left !== '') {
    const part = /^(\d+)\s*([a-z]+?)s?(\s+|$)/.exec(left);
    const unit = part && UNITS[part[2]!];
    if (!unit)
      throw new IllegalArgumentException(`Provided duration (${duration}) is not valid.`, { condition: 'INVALID_INTERVAL_FORMAT' });
    total += Number(part[1]) * unit;
    left = left.slice(part[0].length);
  }
  return total;
}

/** The latest time that a `Date` holds, ms since the epoch. */
const LAST_MS = 8.64e15;

/** A time that the engine can keep: whole milliseconds, rounded down. Throws RIVULET_STATE_TIMEOUT for a value that is not a time. */
export function timeOf(ms: number): number {
  if (!(Math.abs(ms) <= LAST_MS))
    throw new IllegalArgumentException(`${ms} is not a time in milliseconds since the epoch`, { condition: 'RIVULET_STATE_TIMEOUT' });
  return Math.floor(ms);
}

/** The one entry of a group's state. */
const STATE = '';

/**
 * The state of one group (`GroupState`). It lives as long as the query, whatever fails; `remove()` ends it. A timeout holds once:
 * each call of the function begins without one.
 */
export class GroupState<S = unknown> {
  /** Whether the function is called because the group's timeout has passed: then there are no rows. */
  readonly hasTimedOut: boolean;
  #value: S | undefined;
  #exists = false;
  #changed = false;
  #timeoutMs: number | undefined;
  readonly #before: number | undefined;

  /** @internal */
  constructor(
    private readonly entries: GroupEntries,
    private readonly times: Times,
    private readonly timeout: GroupStateTimeout,
    hasTimedOut: boolean,
  ) {
    this.hasTimedOut = hasTimedOut;
    const entry = entries.of(STATE).get(STATE);
    this.#before = entry?.expiresMs;
    if (entry?.bytes) {
      this.#value = unpack(entry.bytes) as S;
      this.#exists = true;
    }
  }

  /** Whether the group has a state. */
  get exists(): boolean {
    return this.#exists;
  }
  /** Returns the state. Throws STATE_NOT_DEFINED if the group has no state. */
  get(): S {
    if (!this.#exists)
      throw new SparkRuntimeException('State is either not defined or has already been removed', { condition: 'STATE_NOT_DEFINED' });
    return this.#value as S;
  }
  /** Returns the state, or undefined. */
  getOption(): S | undefined {
    return this.#value;
  }
  /** Sets the state: any value that can travel between workers, except null. */
  update(state: S): void {
    if (state === null || state === undefined)
      throw new IllegalArgumentException(`'${state}' is not a valid state value`, { condition: 'ILLEGAL_STATE_STORE_VALUE.NULL_VALUE' });
    this.#value = state;
    this.#exists = this.#changed = true;
  }
  /** Forgets the state. */
  remove(): void {
    this.#value = undefined;
    this.#changed ||= this.#exists;
    this.#exists = false;
  }

  /** Calls the function again once the group has had no data for this duration: milliseconds, or `10 minutes`. */
  setTimeoutDuration(duration: number | string): void {
    if (this.timeout !== 'ProcessingTimeTimeout') {
      throw new UnsupportedOperationException(
        'Cannot set timeout duration without enabling processing time timeout in [map|flatMap]GroupsWithState',
        { condition: 'RIVULET_STATE_TIMEOUT' },
      );
    }
    const ms = durationMs(duration);
    if (!(ms > 0)) throw new IllegalArgumentException('Timeout duration must be positive', { condition: 'RIVULET_STATE_TIMEOUT' });
    this.#timeoutMs = timeOf(this.times.timeMs + ms);
  }
  /**
   * Calls the function again once the watermark has passed this time (ms since the epoch, or a Date) plus a duration. Throws for a
   * time before the watermark.
   */
  setTimeoutTimestamp(timestamp: number | Date, additionalDuration: number | string = 0): void {
    if (this.timeout !== 'EventTimeTimeout') {
      throw new UnsupportedOperationException(
        'Cannot set timeout timestamp without enabling event time timeout in [map|flatMap]GroupsWithState',
        { condition: 'RIVULET_STATE_TIMEOUT' },
      );
    }
    const ms = timeOf(Number(timestamp) + durationMs(additionalDuration));
    if (!(ms > 0)) throw new IllegalArgumentException('Timeout timestamp must be positive', { condition: 'RIVULET_STATE_TIMEOUT' });
    const watermark = this.times.watermarkMs;
    if (watermark !== null && ms < watermark) {
      throw new IllegalArgumentException(`Timeout timestamp (${ms}) cannot be earlier than the current watermark (${watermark})`, {
        condition: 'RIVULET_STATE_TIMEOUT',
      });
    }
    this.#timeoutMs = ms;
  }
  /** Returns the watermark of this batch, ms since the epoch. Throws where the stream has none. */
  getCurrentWatermarkMs(): number {
    if (this.times.watermarkMs === null) {
      throw new UnsupportedOperationException(
        'Cannot get event time watermark timestamp without setting watermark before [map|flatMap]GroupsWithState',
        { condition: 'RIVULET_NO_WATERMARK' },
      );
    }
    return this.times.watermarkMs;
  }
  /** Returns the time of this batch, ms since the epoch: the same when the batch runs again. */
  getCurrentProcessingTimeMs(): number {
    return this.times.timeMs;
  }

  /** Notes what became of it, as `FlatMapGroupsWithStateExec` does. @internal */
  settle(): void {
    if (!this.#exists && this.#timeoutMs === undefined) return this.entries.remove(STATE, STATE);
    if (!this.#changed && this.#timeoutMs === this.#before) return;
    this.entries.put(STATE, STATE, { bytes: this.#exists ? pack(this.#value) : undefined, expiresMs: this.#timeoutMs });
  }

  /** The timeout of a group's state. @internal */
  static timeoutOf(entries: GroupEntries): number | undefined {
    return entries.of(STATE).get(STATE)?.expiresMs;
  }
}
