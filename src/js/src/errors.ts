import type { WireError } from './protocol.js';

/** What an error carries besides its message. */
export interface SparkErrorDetails {
  /** Spark's error condition, such as `DIVIDE_BY_ZERO`. */
  condition?: string | null;
  /** Five characters of the SQL standard, such as `22012`. */
  sqlState?: string | null;
  /** The parameters of the condition's message. */
  parameters?: Record<string, string>;
  /** What led to the error. */
  cause?: unknown;
}

/**
 * The root of all errors that Rivulet throws. `condition` is Spark's error condition where Spark has one, else one that begins with
 * `RIVULET_`, so that a program can tell errors apart without reading messages.
 * @example
 * ```ts
 * const error = await spark.range(1).select('nothing').collect().catch((e: SparkError) => e);
 * error instanceof AnalysisException && error.condition; // → 'UNRESOLVED_COLUMN.WITH_SUGGESTION'
 * ```
 */
export class SparkError extends Error {
  /** Spark's error condition, such as `DIVIDE_BY_ZERO`; null for an error of the engine that has none. */
  readonly condition: string | null;
  /** Five characters of the SQL standard, such as `22012`; null where there are none. */
  readonly sqlState: string | null;
  /** The parameters of the condition's message. */
  readonly parameters: Readonly<Record<string, string>>;

  /** Makes an error. */
  constructor(message: string, details: SparkErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.condition = details.condition === undefined ? (DEFAULTS[new.target.name] ?? 'RIVULET_ERROR') : details.condition;
    this.sqlState = details.sqlState ?? null;
    this.parameters = details.parameters ?? {};
  }
}

/** A query that cannot be resolved: unknown names, wrong types, operations that Spark refuses (`AnalysisException`). */
export class AnalysisException extends SparkError {}
/** SQL or a DDL schema that cannot be parsed (`ParseException`). */
export class ParseException extends AnalysisException {}
/** A temporary view or table of that name exists already (`TempTableAlreadyExistsException`). */
export class TempTableAlreadyExistsException extends AnalysisException {}
/** A streaming query that ended with an error (`StreamingQueryException`). */
export class StreamingQueryException extends SparkError {}
/** The engine failed while it ran a query (`SparkRuntimeException`). */
export class SparkRuntimeException extends SparkError {}
/** Division by zero, or overflow (ANSI mode) (`ArithmeticException`). */
export class ArithmeticException extends SparkError {}
/** A string that is not a date or timestamp (ANSI mode) (`DateTimeException`). */
export class DateTimeException extends SparkError {}
/** A string that is not a number (ANSI mode) (`NumberFormatException`). */
export class NumberFormatException extends SparkError {}
/** An index outside of an array (ANSI mode) (`ArrayIndexOutOfBoundsException`). */
export class ArrayIndexOutOfBoundsException extends SparkError {}
/** An argument that Spark does not take (`IllegalArgumentException`). */
export class IllegalArgumentException extends SparkError {}
/** A setting that there is not (`SparkNoSuchElementException`). */
export class SparkNoSuchElementException extends SparkError {}
/** An operation that Spark, or this engine, does not support (`UnsupportedOperationException`). */
export class UnsupportedOperationException extends SparkError {}
/** The result may differ from an older Spark; the message names the setting (`SparkUpgradeException`). */
export class SparkUpgradeException extends SparkError {}
/**
 * A value that this client cannot send: a JavaScript type without a Spark type, a schema that does not fit (`PySparkTypeError`).
 */
export class SparkTypeError extends SparkError {}
/** A call that does not fit the state of its object, such as an action on a stopped context (`IllegalStateException`). */
export class IllegalStateException extends SparkError {}
/** Thrown after the session has ended: it was stopped, or its driver died. */
export class SessionClosedError extends IllegalStateException {}

/**
 * Why a file of the package did not load: it is `missing`; a page of `html`, a file of the wrong `type`, or other `content` came in its
 * place, or only a part of it (`truncated`); it does not run (`syntax`); it is of another `version`; it did not come (`network`) or
 * not in time (`timeout`); the page's security forbids it (`csp`, `origin`, `coep`, `trusted-types`); or the bundle does not know where
 * it is (`unplaced`).
 */
export type LoadFailure =
  | 'missing'
  | 'html'
  | 'type'
  | 'content'
  | 'truncated'
  | 'syntax'
  | 'version'
  | 'network'
  | 'timeout'
  | 'csp'
  | 'origin'
  | 'coep'
  | 'trusted-types'
  | 'unplaced'
  | 'unknown';

/**
 * A worker or the engine did not start.
 * @example
 * ```ts
 * const builder = SparkSession.builder.assets({ wasmUrl: '/nowhere/engine_bg.wasm' });
 * const error = await builder.create().catch((e: SparkError) => e);
 * error instanceof WorkerLoadError && error.reason; // → 'missing'
 * ```
 */
export class WorkerLoadError extends SparkError {
  /** The file that did not load. */
  readonly url: string;
  /** What to do about it. */
  readonly hint: string;
  /** Why it did not load. */
  readonly reason: LoadFailure;

  /** Makes an error. */
  constructor(message: string, url: string, hint: string, details: { reason: LoadFailure; cause?: unknown }) {
    super(`${message} (${url}). ${hint}`, { condition: 'RIVULET_WORKER_LOAD', cause: details.cause });
    this.url = url;
    this.hint = hint;
    this.reason = details.reason;
  }
}

/** Conditions of errors that this client throws without a more special one. */
const DEFAULTS: Partial<Record<string, string>> = {
  IllegalArgumentException: 'RIVULET_ILLEGAL_ARGUMENT',
  IllegalStateException: 'RIVULET_ILLEGAL_STATE',
  SessionClosedError: 'RIVULET_SESSION_CLOSED',
  SparkRuntimeException: 'INTERNAL_ERROR',
  SparkTypeError: 'RIVULET_TYPE',
  UnsupportedOperationException: 'RIVULET_UNSUPPORTED',
};

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
  SparkNoSuchElementException,
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
 * Returns an error of the class that PySpark would raise for `wire`; classes of Spark that we do not have become SparkError. The
 * cause is what a user's function threw, with its stack in the executor, where it was one. @internal
 */
export function errorFromWire(wire: WireError): SparkError {
  const type = CLASSES[wire.exception.split('.').at(-1) ?? ''] ?? SparkError;
  const stack = wire.parameters?.['stack'];
  return new type(wire.message, stack === undefined ? wire : { ...wire, cause: thrown(stack) });
}

/** The error of an executor; its condition stands in brackets after its name, see {@link stackWithCondition}. */
function thrown(stack: string): Error {
  const [, name, condition, message] = /^(?:(\w+)(?: \[([\w.]+)\])?: )?(.*)/.exec(stack)!;
  return Object.assign(new Error(message), { name: name ?? 'Error', stack, ...(condition && { condition }) });
}

/** The stack of an error, which carries its name, its message and its condition to the page in every browser. @internal */
export function stackWithCondition(error: Error): string {
  const { condition, name, message, stack = '' } = error as Error & { condition?: string };
  const frames = stack.indexOf('\n    at ');
  // In Chromium and Node.js a stack begins with name and message; in Firefox and WebKit it has frames alone.
  const isWhole = frames >= 0 || stack.startsWith(name);
  if (isWhole && !condition) return stack;
  const trace = frames >= 0 ? stack.slice(frames) : isWhole || stack === '' ? '' : `\n${stack.trimEnd()}`;
  return `${name}${condition ? ` [${condition}]` : ''}: ${message}${trace}`;
}

/** Returns the caller's own reason, or the AbortError that a signal without a reason stands for. @internal */
export function abortReason(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException('The operation was aborted', 'AbortError');
}
