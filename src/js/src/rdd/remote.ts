/** Functions that travel to the executors, and the values that are bound to them. */
import { SparkTypeError } from '../errors.js';
import { Accumulator } from './accumulator.js';
import { Broadcast } from './broadcast.js';
import { freeVariables } from './free_variables.js';
import type { AccumulatorMark } from './job_plan.js';
import { withHelpers } from './tool_helpers.js';
import { encode, NotCloneableError } from './value_codec.js';

/** Values that a function gets as its last argument, by name: cloneable values, broadcasts and accumulators. */
export type Bound = Readonly<Record<string, unknown>>;

/** A function in a module of its own: for functions with imports, and where a Content-Security-Policy forbids `blob:` scripts. */
export interface ModuleFunction {
  /** URL of the module, relative to the page. */
  module: string | URL;
  /** Name of the export. */
  export: string;
}

/** A function that runs in an executor. It sees nothing of the page but its arguments. */
export type Remote<F extends (...args: never[]) => unknown> = F | ModuleFunction;
/** A function that runs in an executor, and gets the values that are bound to it as its last argument. */
export type RemoteWith<A extends unknown[], R, B> = Remote<(...args: [...A, B]) => R>;
export type AnyRemote = ((...args: never[]) => unknown) | ModuleFunction;

/** Methods that take a class. */
const CLASSES = new Set(['transformWithState', 'receiverStream']);

/** The text of a function, as an expression. */
export function sourceOf(f: (...args: never[]) => unknown, method: string): string {
  const text = Function.prototype.toString.call(f);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) {
    throw new SparkTypeError(
      `${method}: the function ${f.name || '(anonymous)'} is built in or bound and has no text to send: wrap it, ` +
        'as in (x) => Math.abs(x)',
      { condition: 'RIVULET_FUNCTION' },
    );
  }
  if (/^(async\s|async\()/.test(text) || f.constructor.name === 'AsyncFunction') {
    throw new SparkTypeError(`${method}: the function ${f.name || '(anonymous)'} is async; functions over rows run to their end at once`, {
      condition: 'RIVULET_FUNCTION',
    });
  }
  const isClass = /^class\b/.test(text);
  if (isClass !== CLASSES.has(method)) {
    throw new SparkTypeError(
      `${method}: ${f.name || 'what was given'} is a ${isClass ? 'class, not a function' : 'function, not a class'}`,
      { condition: 'RIVULET_FUNCTION' },
    );
  }
  // A method's short form is not an expression by itself.
  const isExpression = /^(function\b|class\b|\(|[\w$\u0080-\uffff]+\s*=>)/.test(text);
  return withHelpers(isExpression ? text : `({ ${text} })[${JSON.stringify(f.name)}]`);
}

/** Checks at the call that a function can travel. */
export function checkRemote(f: AnyRemote, method: string, bound?: Bound): void {
  if (typeof f === 'function') checkFree(sourceOf(f, method), f.name, method);
  else if (f === null || typeof f !== 'object' || typeof f.export !== 'string' || f.module === undefined) {
    throw new SparkTypeError(`${method} needs a function, or { module, export }, got ${f === null ? 'null' : typeof f}`, {
      condition: 'RIVULET_FUNCTION',
    });
  }
  if (bound) boundValue(bound, method);
}

/** Sources that were checked for free variables: streams call with the same functions batch after batch. */
const closed = new Set<string>();

function checkFree(text: string, name: string, method: string): void {
  if (CLASSES.has(method) || closed.has(text)) return;
  const free = freeVariables(text);
  if (free.length > 0) {
    const names = free.map((one) => `\`${one}\``).join(', ');
    throw new SparkTypeError(
      `${method}: the function ${name || '(anonymous)'} uses ${names}, which it cannot see: it runs in a worker. Bind ${free.length > 1 ? 'them' : 'it'} ` +
        `(${method}(f, { ${free.join(', ')} }): the values come as the last argument), or give { module, export }`,
      { condition: 'RIVULET_FREE_VARIABLE', parameters: { names: free.join(', ') } },
    );
  }
  if (closed.size > 10_000) closed.clear();
  closed.add(text);
}

/** `mark` tells executors what to make of an accumulator. */
export function boundValue(bound: Bound, method: string, mark?: (accumulator: Accumulator<unknown>) => AccumulatorMark): Uint8Array {
  const plain = Object.fromEntries(
    Object.entries(bound).map(([name, value]) => {
      if (value instanceof Broadcast) return [name, { value: value.value }];
      if (value instanceof Accumulator) return [name, mark?.(value as Accumulator<unknown>) ?? null];
      return [name, value];
    }),
  );
  return valueBlock(plain, method);
}

/** Encodes a value; throws at the call if it cannot be cloned. */
export function valueBlock(value: unknown, method: string): Uint8Array {
  return rowsBlock([value], method);
}

/** Encodes rows; throws at the call if one cannot be cloned. */
export function rowsBlock(rows: readonly unknown[], method: string): Uint8Array {
  try {
    return encode(rows);
  } catch (cause) {
    if (!(cause instanceof NotCloneableError)) throw cause;
    throw new SparkTypeError(`${method}: ${cause.message}`, { condition: cause.condition, cause });
  }
}
