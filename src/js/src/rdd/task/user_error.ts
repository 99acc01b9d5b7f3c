/** How an executor says what a user's function threw. */
import { stackWithCondition } from '../../errors.js';
import { describe } from './keys.js';
import { UserFunctionError } from './steps.js';

/** The user's exception with where it happened: in which place, and on which record or group. */
export function userError(error: unknown, place: string | undefined, what: string): Error {
  if (!(error instanceof UserFunctionError)) return error instanceof Error ? withCondition(error) : new Error(String(error));
  const { thrown, step, record } = error;
  const at = [step, place, record !== undefined && `${what} ${describe(record)}`].filter(Boolean).join(', ');
  let message = `${error.message} (in ${at})`;
  const free = /^(\S+) is not defined$/.exec(thrown instanceof ReferenceError ? thrown.message : '');
  if (free)
    message += `. A function runs in a worker and sees nothing of the page: pass ${free[1]} as a value bound to it, or broadcast it`;
  const out = new Error(message);
  if (thrown instanceof Error && thrown.stack) out.stack = stackWithCondition(thrown);
  return out;
}

/** The error with its condition in its stack; the engine passes the stack on. */
function withCondition(error: Error): Error {
  return Object.assign(error, { stack: stackWithCondition(error) });
}
