import type { WireError } from './protocol.js';

/** What an error of the engine carries besides its message. */
export interface SparkErrorDetails {
  condition?: string | null;
  sqlState?: string | null;
  parameters?: Record<string, string>;
  cause?: unknown;
}

/**
 * The root of all errors that Rivulet throws. `condition` and `sqlState` are those of Spark's error conditions, so a
 * program can tell errors apart without reading messages.
 */
export class SparkError extends Error {
  /** Spark's error condition, such as `DIVIDE_BY_ZERO`; null where there is none. */
  readonly condition: string | null;
  /** Five characters of the SQL standard, such as `22012`; null where there is none. */
  readonly sqlState: string | null;
  /** The parameters of the condition's message. */
  readonly parameters: Readonly<Record<string, string>>;

  constructor(message: string, details: SparkErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.condition = details.condition ?? null;
    this.sqlState = details.sqlState ?? null;
    this.parameters = details.parameters ?? {};
  }
}

/** A query that cannot be resolved: unknown names, wrong types, operations that Spark refuses. */
export class AnalysisException extends SparkError {}
/** SQL text or a DDL schema that cannot be parsed. */
export class ParseException extends AnalysisException {}
/** A temporary view or table of that name exists already. */
export class TempTableAlreadyExistsException extends AnalysisException {}
/** A streaming query that ended with an error. */
export class StreamingQueryException extends SparkError {}
/** The engine failed while it ran a query. */
export class SparkRuntimeException extends SparkError {}
/** Division by zero, overflow (ANSI mode). */
export class ArithmeticException extends SparkError {}
/** A text that is no date or timestamp (ANSI mode). */
export class DateTimeException extends SparkError {}
/** A text that is no number (ANSI mode). */
export class NumberFormatException extends SparkError {}
/** An index outside of an array (ANSI mode). */
export class ArrayIndexOutOfBoundsException extends SparkError {}
/** An argument that Spark does not take. */
export class IllegalArgumentException extends SparkError {}
/** Something that Spark, or this engine, does not do. */
export class UnsupportedOperationException extends SparkError {}
/** A batch program has lost an upgrade-sensitive behaviour of Spark. */
export class SparkUpgradeException extends SparkError {}
/** A value that this client cannot send: a JavaScript type without a Spark type, a schema that does not fit. */
export class SparkTypeError extends SparkError {}
/** A call that does not fit the state of what it is made on, such as an action on a stopped context. */
export class IllegalStateException extends SparkError {}
/** Base of a connection's end: the session was stopped or its driver died. */
export class SessionClosedError extends IllegalStateException {}

/** A worker or the engine did not start. */
export class WorkerLoadError extends SparkError {
  /** The file that did not load. */
  readonly url: string;
  /** What to do about it. */
  readonly hint: string;

  constructor(message: string, url: string, hint: string, cause?: unknown) {
    super(`${message} (${url}). ${hint}`, { condition: 'RIVULET_WORKER_LOAD', cause });
    this.url = url;
    this.hint = hint;
  }
}

const CLASSES: Record<string, new (message: string, details?: SparkErrorDetails) => SparkError> = {
  AnalysisException,
  ParseException,
  TempTableAlreadyExistsException,
  StreamingQueryException,
  SparkRuntimeException,
  ArithmeticException,
  DateTimeException,
  NumberFormatException,
  ArrayIndexOutOfBoundsException,
  IllegalArgumentException,
  UnsupportedOperationException,
  SparkUpgradeException,
};
// A bundler's minifier renames classes; their names are part of the interface.
for (const [name, type] of Object.entries({
  ...CLASSES,
  SparkError,
  SparkTypeError,
  IllegalStateException,
  SessionClosedError,
  WorkerLoadError,
})) {
  Object.defineProperty(type, 'name', { value: name });
}

/**
 * The error class that PySpark would raise for `wire`. Classes of Spark that we do not have become SparkError. The cause is what
 * a function threw, with its stack in the executor, where it was one.
 */
export function errorFromWire(wire: WireError): SparkError {
  const type = CLASSES[wire.exception.split('.').at(-1) ?? ''] ?? SparkError;
  const stack = wire.parameters?.['stack'];
  return new type(wire.message, stack === undefined ? wire : { ...wire, cause: thrown(stack) });
}

function thrown(stack: string): Error {
  const [, name, message] = /^(?:(\w+): )?(.*)/.exec(stack)!;
  return Object.assign(new Error(message), { name: name ?? 'Error', stack });
}

/** The caller's own reason, or the AbortError that a signal without a reason stands for. */
export function abortReason(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException('The operation was aborted', 'AbortError');
}
