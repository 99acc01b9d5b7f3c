import { originStorage } from '../cluster/places.js';
import { fetched } from '../files/fetched.js';
import { filesBelow } from '../files/open.js';
import { unzip, zip } from '../files/zip.js';
import type { Context } from '../sql/plan.js';
import type { ModelSource } from './model_path.js';

// What few pages do with saved stages, loaded when one does: files of the page, zips.

let registered = 0;

/** Calls `read` with the path under which the engine finds files of the page, which are given to it for that long. */
export async function withModelFiles<T>({ files }: Context, source: ModelSource, read: (path: string) => Promise<T>): Promise<T> {
  const root = `rivulet-file:/model-${registered++}`;
  const paths: string[] = [];
  try {
    for (const [name, content] of await filesOf(source)) {
      // Markers and checksums do not belong to the model.
      if (/(^|\/)[_.][^/]*$/.test(name)) continue;
      const path = `${root}/${name}`;
      files.put(path, content instanceof Blob ? content : new Blob([content]));
      paths.push(path);
    }
    return await read(root);
  } finally {
    for (const path of paths) files.remove(path);
  }
}

type Files = [string, Blob | Uint8Array<ArrayBuffer>][];

async function filesOf(source: ModelSource): Promise<Files> {
  if (typeof source === 'string' || source instanceof URL) return unpacked(await fetched(source));
  if (source instanceof Blob) return unpacked(source);
  if ('getDirectoryHandle' in source) return filesBelow(source as FileSystemDirectoryHandle);
  return Object.entries(source as Record<string, Blob>);
}

/** The files of an archive; a folder that holds everything else is left out of the names. */
async function unpacked(archive: Blob): Promise<Files> {
  const files = await unzip(new Uint8Array(await archive.arrayBuffer()));
  const top = files[0]?.[0].split('/')[0] ?? '';
  const wrapped = !['metadata', 'data', 'stages'].includes(top) && files.every(([name]) => name.startsWith(`${top}/`));
  return wrapped ? files.map(([name, bytes]) => [name.slice(top.length + 1), bytes]) : files;
}

/** A directory of the origin's private file system as a zip. */
export async function archiveOf(path: string): Promise<Blob> {
  let folder = await (await originStorage()).getDirectoryHandle('rivulet');
  for (const name of path.split('/').filter(Boolean)) folder = await folder.getDirectoryHandle(name);
  return zip(
    await Promise.all(
      (await filesBelow(folder)).map(async ([name, blob]) => [name, unsealed(new Uint8Array(await blob.arrayBuffer()))] as const),
    ),
  );
}

/** A stored file's content: the engine ends its files with a seal, so that a torn one is found out. */
function unsealed(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const SEAL_BYTES = 24;
  return new TextDecoder().decode(file.subarray(-8)) === 'RVLTSEAL' ? file.slice(0, -SEAL_BYTES) : file;
}
