import { chunkFor } from '../sql/load_part.js';
import type { Context } from '../sql/plan.js';

const files = () => chunkFor('files of models', import('./model_files.js'));

/**
 * Where a saved stage is: a path of the engine, a directory handle, a zip of the directory (or the URL of one), or its files by
 * their paths within the directory (`metadata/part-00000.txt`).
 */
export type ModelSource = string | URL | FileSystemDirectoryHandle | Blob | Readonly<Record<string, Blob | Uint8Array<ArrayBuffer>>>;

/** Calls `read` with the path under which the engine finds a stage; files of the page are given to it for that long. @internal */
export async function withModelPath<T>(context: Context, source: ModelSource, read: (path: string) => Promise<T>): Promise<T> {
  if (typeof source === 'string' && !/^(https?|blob|data):/.test(source)) return read(source.replace(/\/+$/, ''));
  const { withModelFiles } = await files();
  return withModelFiles(context, source, read);
}

/**
 * Returns a saved stage as a zip, for a download: the directory that `save` wrote into the origin's private file system. Spark
 * loads the directory that is in it, and so does `load`.
 */
export async function modelArchive(path: string): Promise<Blob> {
  return (await files()).archiveOf(path);
}
