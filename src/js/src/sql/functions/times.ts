import { Column, columnOf, operand, type ColumnOrName as C } from '../column.js';
import { call } from '../expression.js';
import { fromTable } from './table.js';

type N = C | number;

/** Functions of dates and times, and the event-time windows. */
export interface TimeFunctions {
  /**
   * The windows that a time falls into: one when tumbling, several when `slideDuration` is shorter than `windowDuration`. The
   * result is a struct `window` with `start` and `end`. Durations are texts such as `10 minutes`.
   */
  window(timeColumn: C, windowDuration: string, slideDuration?: string, startTime?: string): Column;
  /** Windows that last until nothing has come for `gapDuration`. */
  sessionWindow(timeColumn: C, gapDuration: string | Column): Column;
  /** The event time of a window: its end less a microsecond. */
  windowTime(windowColumn: C): Column;
  /** Today. */
  currentDate(): Column;
  /** Now; the same for a whole query. */
  currentTimestamp(): Column;
  /** Now. */
  now(): Column;
  /** Text to date, by a pattern if given. */
  toDate(column: C, format?: string): Column;
  /** Text to timestamp, by a pattern if given. */
  toTimestamp(column: C, format?: string): Column;
  /** Text to timestamp; null when it is none. */
  tryToTimestamp(column: C, format?: C): Column;
  /** As text by a pattern. */
  dateFormat(column: C, format: string): Column;
  /** Cut to the start of a `year`, `month`, `day`, `hour`, `minute`… */
  dateTrunc(unit: string, column: C): Column;
  /** Date cut to the start of a `year` or `month`. */
  trunc(column: C, unit: string): Column;
  /** Year. */
  year(column: C): Column;
  /** Quarter, 1 to 4. */
  quarter(column: C): Column;
  /** Month, 1 to 12. */
  month(column: C): Column;
  /** ISO week of the year. */
  weekofyear(column: C): Column;
  /** Day of the month. */
  day(column: C): Column;
  /** Day of the month. */
  dayofmonth(column: C): Column;
  /** Day of the year. */
  dayofyear(column: C): Column;
  /** 1 for Sunday to 7 for Saturday. */
  dayofweek(column: C): Column;
  /** 0 for Monday to 6 for Sunday. */
  weekday(column: C): Column;
  /** Hour. */
  hour(column: C): Column;
  /** Minute. */
  minute(column: C): Column;
  /** Second. */
  second(column: C): Column;
  /** Days later. */
  dateAdd(column: C, days: N): Column;
  /** Days earlier. */
  dateSub(column: C, days: N): Column;
  /** Days between. */
  datediff(end: C, start: C): Column;
  /** Months later. */
  addMonths(column: C, months: N): Column;
  /** Months between, with fractions. */
  monthsBetween(end: C, start: C, roundOff?: boolean): Column;
  /** Last day of the month. */
  lastDay(column: C): Column;
  /** The next such weekday. */
  nextDay(column: C, dayOfWeek: string): Column;
  /** Date from parts. */
  makeDate(year: N, month: N, day: N): Column;
  /** Timestamp from parts. */
  makeTimestamp(year: N, month: N, day: N, hour: N, minute: N, second: N): Column;
  /** Seconds since 1970. */
  unixTimestamp(column?: C, format?: string): Column;
  /** Text of seconds since 1970. */
  fromUnixtime(column: C, format?: string): Column;
  /** Timestamp of seconds since 1970. */
  timestampSeconds(column: C): Column;
  /** Timestamp of milliseconds since 1970. */
  timestampMillis(column: C): Column;
  /** Timestamp of microseconds since 1970. */
  timestampMicros(column: C): Column;
  /** Seconds since 1970 of a timestamp. */
  unixSeconds(column: C): Column;
  /** Milliseconds since 1970 of a timestamp. */
  unixMillis(column: C): Column;
  /** Microseconds since 1970 of a timestamp. */
  unixMicros(column: C): Column;
  /** Clock time in a zone of a UTC time. */
  fromUtcTimestamp(column: C, zone: string): Column;
  /** UTC time of a clock time in a zone. */
  toUtcTimestamp(column: C, zone: string): Column;
}

const FORMAT = 'yyyy-MM-dd HH:mm:ss';

export const timeFunctions: TimeFunctions = {
  ...fromTable<TimeFunctions>(`
    windowTime currentDate currentTimestamp now toDate:cl toTimestamp:cl tryToTimestamp dateFormat:cl dateTrunc:lc trunc:cl year quarter
    month weekofyear day dayofmonth dayofyear dayofweek weekday hour minute second dateAdd dateSub datediff addMonths monthsBetween lastDay
    nextDay:cl makeDate makeTimestamp timestampSeconds timestampMillis timestampMicros unixSeconds unixMillis unixMicros
    fromUtcTimestamp:cl toUtcTimestamp:cl`),
  ...fromTable<Pick<TimeFunctions, 'unixTimestamp' | 'fromUnixtime' | 'sessionWindow'>>('unixTimestamp:cl fromUnixtime:cl sessionWindow:cl'),
  window(timeColumn, windowDuration, slideDuration, startTime) {
    const durations = startTime !== undefined ? [windowDuration, slideDuration ?? windowDuration, startTime]
      : slideDuration !== undefined ? [windowDuration, slideDuration] : [windowDuration];
    return new Column(call('window', [columnOf(timeColumn), ...durations.map(operand)]));
  },
};
const { unixTimestamp, fromUnixtime, monthsBetween } = timeFunctions;
Object.assign(timeFunctions, {
  unixTimestamp: (column?: C, format = FORMAT) => (column === undefined ? unixTimestamp() : unixTimestamp(column, format)),
  fromUnixtime: (column: C, format = FORMAT) => fromUnixtime(column, format),
  monthsBetween: (end: C, start: C, roundOff = true) => monthsBetween(end, start, roundOff),
});
