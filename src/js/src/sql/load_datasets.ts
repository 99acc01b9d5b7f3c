import { IllegalStateException, WorkerLoadError } from '../errors.js';
import type { RDD } from '../rdd/rdd.js';

type Part = typeof import('./datasets_part.js');

let part: Part | undefined;

/** Loads the part for datasets and functions over rows: a session does while its workers start, so that a page shows before it comes. */
export async function loadDatasets(): Promise<Part> {
  try {
    part ??= await import('./datasets_part.js');
    return part;
  } catch (cause) {
    const hint = 'It is a chunk of the bundle, or of the package’s dist folder: serve all of them, of one build.';
    throw new WorkerLoadError(`The part for datasets could not be loaded: ${String(cause)}`, 'a chunk beside the package', hint, {
      reason: 'network',
      cause,
    });
  }
}

/** The part, which sessions have loaded. */
export function datasets(): Part {
  if (!part) throw new IllegalStateException('No session has started yet');
  return part;
}

/** Whether rows are those of a dataset. */
export const isDataset = <T>(rows: unknown): rows is RDD<T> => part !== undefined && rows instanceof part.RDD;
