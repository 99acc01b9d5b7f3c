import { originStorage } from '../cluster/places.js';
import { IllegalArgumentException, SparkError } from '../errors.js';
import { fetched } from './fetched.js';
import { type FileSource, flat, isDirectory, nameOf } from './registry.js';

/** A file that executors can read. */
export interface OpenFile {
  name: string;
  blob: Blob;
}

const ORIGIN = 'opfs:';

/**
 * Opens files: Files, Blobs, handles, URLs, Responses, and paths in the origin's private file system (`opfs:folder/file`). Of
 * a folder come its files in the order of their names, but for those that begin with `.` or `_`.
 */
export async function openFiles(source: FileSource): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  for (const one of flat([source])) {
    if (one instanceof Blob) files.push({ name: nameOf(one), blob: one });
    else if (typeof one === 'string' && one.startsWith(ORIGIN)) files.push(...(await ofHandle(await originEntry(one))));
    else if (typeof one === 'object' && 'kind' in one) files.push(...(await ofHandle(one)));
    else files.push({ name: nameOf(one), blob: await fetched(one as string | URL | Response) });
  }
  return files;
}

async function ofHandle(handle: FileSystemFileHandle | FileSystemDirectoryHandle): Promise<OpenFile[]> {
  if (!isDirectory(handle)) return [{ name: handle.name, blob: await handle.getFile() }];
  const files: OpenFile[] = [];
  for await (const [name, entry] of handle.entries()) {
    if (entry.kind === 'file' && !/^[._]/.test(name)) files.push({ name, blob: await (entry as FileSystemFileHandle).getFile() });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** All files below a folder, at any depth, by their paths from it. */
export async function filesBelow(folder: FileSystemDirectoryHandle, prefix = ''): Promise<[path: string, file: Blob][]> {
  const files: [string, Blob][] = [];
  for await (const [name, entry] of folder.entries()) {
    if (entry.kind === 'directory') files.push(...(await filesBelow(entry as FileSystemDirectoryHandle, `${prefix}${name}/`)));
    else files.push([prefix + name, await (entry as FileSystemFileHandle).getFile()]);
  }
  return files;
}

/** Names of an `opfs:` path. */
function namesOf(path: string): string[] {
  const names = path.slice(ORIGIN.length).split('/').filter(Boolean);
  if (names.length === 0 || names.some((name) => name === '.' || name === '..')) {
    throw new IllegalArgumentException(`${path} is not a path in the origin private file system (expected opfs:folder/name)`, {
      condition: 'RIVULET_INVALID_PATH',
    });
  }
  return names;
}

async function originEntry(path: string): Promise<FileSystemFileHandle | FileSystemDirectoryHandle> {
  const names = namesOf(path);
  let at = await originStorage();
  try {
    for (const name of names.slice(0, -1)) at = await at.getDirectoryHandle(name);
    const last = names.at(-1)!;
    return await at.getFileHandle(last).catch(() => at.getDirectoryHandle(last));
  } catch (cause) {
    throw new SparkError(`[PATH_NOT_FOUND] Path does not exist: ${path}`, { condition: 'PATH_NOT_FOUND', cause });
  }
}

/** A folder, made if it is not there. */
export async function openFolder(target: string | FileSystemDirectoryHandle): Promise<FileSystemDirectoryHandle> {
  if (typeof target !== 'string') return target;
  if (!target.startsWith(ORIGIN))
    throw new IllegalArgumentException(`${target} is not a path in the origin private file system (expected opfs:folder/name)`, {
      condition: 'RIVULET_INVALID_PATH',
    });
  let folder = await originStorage();
  for (const name of namesOf(target)) folder = await folder.getDirectoryHandle(name, { create: true });
  return folder;
}

/** A new folder to write into: a handle's own, or an `opfs:` path. One that has something in it is refused, as Hadoop does. */
export async function newFolder(target: string | FileSystemDirectoryHandle): Promise<FileSystemDirectoryHandle> {
  const folder = await openFolder(target);
  for await (const name of folder.keys()) {
    throw new SparkError(
      `[PATH_ALREADY_EXISTS] Output directory ${typeof target === 'string' ? target : target.name} already exists: it has ${name} in it`,
      {
        condition: 'PATH_ALREADY_EXISTS',
      },
    );
  }
  return folder;
}

/** Writes one file of a folder. */
export async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  content: Blob | Uint8Array<ArrayBuffer> | string,
): Promise<void> {
  const handle = await folder.getFileHandle(name, { create: true });
  if (typeof handle.createWritable !== 'function') return writeInWorker(handle, content);
  const stream = await handle.createWritable();
  await stream.write(content);
  await stream.close();
}

/** What a worker does: it writes a file, and says why it could not. */
const WRITER = `onmessage = async ({ data: { handle, content } }) => {
  try {
    const bytes = new Uint8Array(await new Blob([content]).arrayBuffer());
    const access = await handle.createSyncAccessHandle();
    try {
      access.truncate(0);
      access.write(bytes, { at: 0 });
      access.flush();
    } finally {
      access.close();
    }
    postMessage('');
  } catch (error) {
    postMessage(String(error));
  }
};`;

/** Writes a file of the origin's private file system where only workers can: in Safari before 26. */
async function writeInWorker(handle: FileSystemFileHandle, content: Blob | Uint8Array<ArrayBuffer> | string): Promise<void> {
  const url = URL.createObjectURL(new Blob([WRITER], { type: 'text/javascript' }));
  const worker = new Worker(url);
  try {
    const failed = await new Promise<string>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
      worker.onerror = ({ message }) => resolve(message || 'the worker that writes it could not start');
      worker.postMessage({ handle, content });
    });
    if (failed) throw new SparkError(`[RIVULET_STORAGE] ${handle.name} cannot be written: ${failed}`, { condition: 'RIVULET_STORAGE' });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}
