import { IllegalStateException, WorkerLoadError } from '../errors.js';
import { checks } from '../rdd/call_check.js';
import type { RDD } from '../rdd/rdd.js';

/** What sessions have of the part. */
export type Part = typeof import('./session_part.js');

let loaded: Part | undefined;
/** Called once, when the part is there. */
const waiting: ((part: Part) => void)[] = [];

/** Awaits a chunk that holds the part for `what`. Throws a WorkerLoadError that says so if it does not come. */
export async function chunkFor<T>(what: string, coming: Promise<T>): Promise<T> {
  try {
    return await coming;
  } catch (cause) {
    const hint = 'It is a chunk of the bundle, or of the package’s dist folder: serve all of them, of one build.';
    throw new WorkerLoadError(`The part for ${what} could not be loaded: ${String(cause)}`, 'a chunk beside the package', hint, {
      reason: 'network',
      cause,
    });
  }
}

/** Loads what sessions need beside plans: a session does while its workers start, so that a page shows before it comes. */
export async function loadPart(): Promise<Part> {
  loaded ??= await chunkFor('sessions', import('./session_part.js'));
  checks.remote = loaded.checkRemote;
  for (const take of waiting.splice(0)) take(loaded);
  return loaded;
}

/** The part, which sessions have loaded. Throws an IllegalStateException before the first has started. */
export function part(): Part {
  if (!loaded) throw new IllegalStateException('No session has started yet');
  return loaded;
}

/** Calls `take` with the part when it is there: now, or once a session has loaded it. */
export function whenLoaded(take: (part: Part) => void): void {
  if (loaded) take(loaded);
  else waiting.push(take);
}

/** Whether rows are those of a dataset. */
export const isDataset = <T>(rows: unknown): rows is RDD<T> => loaded !== undefined && rows instanceof loaded.RDD;
