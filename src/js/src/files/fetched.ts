import { SparkError } from '../errors.js';

/** What a URL answers. */
export async function fetched(source: string | URL | Response): Promise<Blob> {
  const response =
    source instanceof Response
      ? source
      : await fetch(source).catch((cause: unknown) => {
          throw new SparkError(`[FAILED_READ_FILE.NO_HINT] ${String(source)} could not be fetched: ${String(cause)}`, {
            condition: 'FAILED_READ_FILE.NO_HINT',
            cause,
          });
        });
  if (!response.ok) {
    throw new SparkError(`[FAILED_READ_FILE.FILE_NOT_EXIST] ${response.url}: HTTP ${response.status}`, {
      condition: 'FAILED_READ_FILE.FILE_NOT_EXIST',
    });
  }
  return response.blob();
}
