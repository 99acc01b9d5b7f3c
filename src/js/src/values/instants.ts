/**
 * Days and instants, exact. Days are counted from 1970-01-01 in the proleptic Gregorian calendar, instants in microseconds; the
 * calendar is computed, since `Date` ends with the year 275760 and knows milliseconds only.
 */
import { Misfit } from './misfit.js';
import type { DataType } from './types.js';

const DAY_MS = 86_400_000;
const DAY_MICROS = 86_400_000_000n;
/** The greatest BIGINT, and the greatest instant. */
export const LONG_MAX = 2n ** 63n - 1n;
/** The least BIGINT, and the least instant. */
export const LONG_MIN = -(2n ** 63n);

/** The day of a date (Howard Hinnant's `days_from_civil`). */
function dayOfDate(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date of a day. */
function dateOfDay(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return [year, month, dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1];
}

const digits = (value: number, length: number) => String(value).padStart(length, '0');

/** A day as Spark prints it: `2026-01-31`, and with a sign where the year has more than four digits or is before 0. */
export function dayText(days: number): string {
  const [year, month, day] = dateOfDay(days);
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  return `${sign}${digits(Math.abs(year), 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

/** An instant as a date and a time in UTC, with as many digits after the second as it has. */
export function instantText(micros: bigint): string {
  const ofDay = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
  const seconds = Number(ofDay / 1_000_000n);
  const fraction = digits(Number(ofDay % 1_000_000n), 6).replace(/0+$/, '');
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((part) => digits(part, 2)).join(':');
  return `${dayText(Number((micros - ofDay) / DAY_MICROS))}T${time}${fraction && `.${fraction}`}`;
}

const ZONE = /(?:Z|UTC|GMT|([+-])(\d\d?)(?::?(\d\d))?(?::?(\d\d))?)$/i;
const TEXT = new RegExp(
  `^([+-]?\\d{4,6})(?:-(\\d\\d?)(?:-(\\d\\d?)(?:[T ](\\d\\d?):(\\d\\d?)(?::(\\d\\d?)(?:\\.(\\d+))?)?\\s*(${ZONE.source.slice(0, -1)})?)?)?)?$`,
  'i',
);

/** What a text says: a day, the microseconds since its midnight, and the microseconds of its zone (0 without one). */
function parsed(text: string): { days: number; micros: number; zone: number } | undefined {
  const parts = TEXT.exec(text.trim());
  if (!parts) return undefined;
  const number = (index: number, absent: number) => (parts[index] === undefined ? absent : Number(parts[index]));
  const [year, month, day] = [number(1, 0), number(2, 1), number(3, 1)];
  const days = dayOfDate(year, month, day);
  const back = dateOfDay(days);
  if (month < 1 || month > 12 || back[1] !== month || back[2] !== day) return undefined;
  const [hours, minutes, seconds] = [number(4, 0), number(5, 0), number(6, 0)];
  const fraction = (parts[7] ?? '').replace(/0+$/, '');
  if (hours > 23 || minutes > 59 || seconds > 59 || fraction.length > 6) return undefined;
  const zoneSeconds = number(10, 0) * 3600 + number(11, 0) * 60 + number(12, 0);
  if (zoneSeconds > 18 * 3600) return undefined;
  return {
    days,
    micros: ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + Number(fraction.padEnd(6, '0')),
    zone: (parts[9] === '-' ? -1_000_000 : 1_000_000) * zoneSeconds,
  };
}

/** What a text says, or an object of `Temporal`, which writes itself in ISO 8601. */
function saidBy(value: unknown): ReturnType<typeof parsed> {
  if (typeof value === 'string') return parsed(value);
  const isTemporal = typeof value === 'object' && Object.prototype.toString.call(value).startsWith('[object Temporal.');
  return isTemporal ? parsed(String(value).replace(/\[.*/, '')) : undefined;
}

/** A text of another form is `Date`'s to read if it has the name of a month and a zone: `Sat, 05 Apr 2031 10:00:00 GMT`. */
const isOfDate = (text: string) => ZONE.test(text) && /\b(?!GMT|UTC)[a-z]{3}/i.test(text);

/** Milliseconds since the epoch. */
function millisOf(value: unknown, type: DataType): number {
  const millis =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'number'
        ? value
        : typeof value === 'string' && isOfDate(value)
          ? Date.parse(value)
          : Number.NaN;
  if (!Number.isFinite(millis)) throw new Misfit(value, type);
  return millis;
}

/** The day of a value of a DATE: a Date's or number's in UTC; of a text, the one that it names. */
export function dayOf(value: unknown, type: DataType): number {
  const said = saidBy(value);
  if (said) return said.days;
  const days = Math.floor(millisOf(value, type) / DAY_MS);
  if (Math.abs(days) > 2 ** 31 - 1) throw new Misfit(value, type, '', 'VALUE_OUT_OF_BOUNDS');
  return days;
}

/**
 * The instant of a value of a TIMESTAMP or TIMESTAMP_NTZ, in microseconds: a bigint is those, a number milliseconds. A text
 * without a zone is read as UTC, Spark's session zone here, not in the browser's zone.
 */
export function instantOf(value: unknown, type: DataType): bigint {
  const micros = microsOf(value, type);
  if (micros < LONG_MIN || micros > LONG_MAX)
    throw new Misfit(value, type, 'it is beyond the 64 bits of microseconds', 'VALUE_OUT_OF_BOUNDS');
  return micros;
}

function microsOf(value: unknown, type: DataType): bigint {
  if (typeof value === 'bigint') return value;
  const said = saidBy(value);
  if (said) return BigInt(said.days) * DAY_MICROS + BigInt(said.micros - said.zone);
  const millis = millisOf(value, type);
  const micros = millis * 1000;
  if (Number.isSafeInteger(micros)) return BigInt(micros);
  if (!Number.isInteger(millis)) throw new Misfit(value, type, 'it has a fraction of a microsecond');
  return BigInt(millis) * 1000n;
}
