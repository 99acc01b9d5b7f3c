/** Steps of one partition that take one row after the other. */
import { SparkTypeError } from '../../errors.js';
import type { Call, Op } from '../job_plan.js';
import type { UserFunction } from './functions.js';
import { MappedState } from './map_state.js';
import { PartitionRandom } from './random.js';

/** A failure of the user's function, with the record it failed on. */
export class UserFunctionError extends Error {
  override readonly name = 'UserFunctionError';
  constructor(
    readonly thrown: unknown,
    readonly step: string,
    readonly record: unknown,
  ) {
    super(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));
  }
}

/** A function over rows; an error that it throws names the step that called it, and the row. */
export function guarded(f: UserFunction, step: string): (row: unknown) => unknown {
  return (row) => {
    try {
      return f(row);
    } catch (thrown) {
      throw thrown instanceof UserFunctionError ? thrown : new UserFunctionError(thrown, step, row);
    }
  };
}

/** A row that must be a pair. */
export function pairOf(row: unknown): [unknown, unknown] {
  if (Array.isArray(row) && row.length === 2) return row as [unknown, unknown];
  throw new UserFunctionError(new SparkTypeError('a pair [key, value] is needed here'), 'pair operation', row);
}

export function iterable(value: unknown, step: string): Iterable<unknown> {
  if (value !== null && value !== undefined && typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function')
    return value as Iterable<unknown>;
  throw new SparkTypeError(`the function of ${step} must return an iterable, got ${value === null ? 'null' : typeof value}`);
}

/** Runs a lazy iterable to its end, so that its errors are the step's. */
function listed(value: unknown, step: string): readonly unknown[] {
  return Array.isArray(value) ? value : [...iterable(value, step)];
}

/** The method that the user called for a step. */
function stepName({ t }: Op): string {
  switch (t) {
    case 'invert':
      return 'reduceByKeyAndWindow';
    case 'updateState':
      return 'updateStateByKey';
    case 'mapStates':
      return 'mapWithState';
    default:
      return t;
  }
}

/** What a step does with a row, passing its results to `emit`; undefined for a step over whole partitions. */
export function rowStep(
  op: Op,
  partition: number,
  call: (call: Call) => UserFunction,
  emit: (row: unknown) => void,
): ((row: unknown) => void) | undefined {
  const step = stepName(op);
  const guard = (f: UserFunction) => guarded(f, step);
  switch (op.t) {
    case 'map': {
      const f = guard(call(op.call));
      return (row) => emit(f(row));
    }
    case 'filter': {
      const f = guard(call(op.call));
      return (row) => {
        if (f(row)) emit(row);
      };
    }
    case 'flatMap': {
      const own = call(op.call);
      const f = guard((row) => listed(own(row), step));
      return (row) => {
        for (const made of f(row) as unknown[]) emit(made);
      };
    }
    case 'mapValues': {
      const f = guard(call(op.call));
      return (row) => {
        const pair = pairOf(row);
        emit([pair[0], f(pair[1])]);
      };
    }
    case 'flatMapValues': {
      const own = call(op.call);
      const f = guard((value) => listed(own(value), step));
      return (row) => {
        const [key, value] = pairOf(row);
        for (const made of f(value) as unknown[]) emit([key, made]);
      };
    }
    case 'invert':
      return inverted(call(op.call), guard, emit);
    case 'updateState':
      return updated(call(op.call), guard, emit);
    case 'tagged':
      return (row) => {
        if ((row as [number, unknown])[0] === op.tag) emit((row as [number, unknown])[1]);
      };
    case 'stamped':
      return (row) => {
        const [key, state] = pairOf(row);
        emit([key, [state, op.timeMs]]);
      };
    case 'unstamped':
      return (row) => {
        const [key, [state]] = row as [unknown, [unknown, number]];
        emit([key, state]);
      };
    case 'mapStates':
      return mappedStates(call(op.call), op, guard, emit);
    case 'keyBy': {
      const f = guard(call(op.call));
      return (row) => emit([f(row), row]);
    }
    case 'keys':
      return (row) => emit(pairOf(row)[0]);
    case 'values':
      return (row) => emit(pairOf(row)[1]);
    case 'pairs':
      return (row) => emit([row, null]);
    case 'sample': {
      const random = new PartitionRandom(op.seed, partition);
      return (row) => {
        for (let times = op.withReplacement ? random.poisson(op.fraction) : Number(random.next() < op.fraction); times > 0; times--)
          emit(row);
      };
    }
    case 'zipWithIndex': {
      let index = op.offsets[partition] ?? 0;
      return (row) => emit([row, index++]);
    }
    case 'zipWithUniqueId': {
      let id = partition;
      return (row) => {
        emit([row, id]);
        id += op.partitions;
      };
    }
    default:
      return undefined;
  }
}

type Guard = (f: UserFunction) => (row: unknown) => unknown;
type Emit = (row: unknown) => void;

/** `[key, [a, b]]` → `[key, f(a, b)]`, or `[key, a]` where b is null. */
function inverted(f: UserFunction, guard: Guard, emit: Emit): Emit {
  const made = guard((row) => {
    const [key, [a, b]] = pairOf(row) as [unknown, [unknown, unknown]];
    return [key, b === null ? a : f(a, b)];
  });
  return (row) => emit(made(row));
}

/** `[key, [states, values]]` → `[key, f(values, state)]`, unless that is null. */
function updated(f: UserFunction, guard: Guard, emit: Emit): Emit {
  const made = guard((row) => {
    const [key, [states, values]] = pairOf(row) as [unknown, [unknown[], unknown[]]];
    return [key, f(values, states.length > 0 ? states[0] : null)];
  });
  return (row) => {
    const pair = made(row) as [unknown, unknown];
    if (pair[1] !== null && pair[1] !== undefined) emit(pair);
  };
}

/** `[key, [[[state, updatedMs]], values]]` → `[1, result]` for each result of the function, and `[0, [key, [state, updatedMs]]]`. */
function mappedStates(f: UserFunction, { timeMs, timeoutMs }: Extract<Op, { t: 'mapStates' }>, guard: Guard, emit: Emit): Emit {
  const made = guard((row) => {
    const [key, [entries, values]] = pairOf(row) as [unknown, [[unknown, number][], unknown[]]];
    const state = new MappedState(entries.map(([value]) => value));
    const mapped = values.map((value) => {
      state.again();
      return f(key, value, state);
    });
    if (values.length === 0 && timeoutMs !== null && entries[0]![1] < timeMs - timeoutMs) {
      state.timeOut();
      return [[f(key, null, state)], undefined];
    }
    return [mapped, state.exists() ? [key, [state.get(), values.length > 0 ? timeMs : entries[0]![1]]] : undefined];
  });
  return (row) => {
    const [mapped, kept] = made(row) as [unknown[], unknown];
    for (const one of mapped) if (one !== null && one !== undefined) emit([1, one]);
    if (kept) emit([0, kept]);
  };
}
