import { IllegalArgumentException } from '../errors.js';
import type { Context } from '../sql/plan.js';

/**
 * Where a saved stage is: a path of the engine, a directory handle, a zip of the directory (or the URL of one), or its files by
 * their paths within the directory (`metadata/part-00000.txt`).
 */
export type ModelSource = string | URL | FileSystemDirectoryHandle | Blob | Readonly<Record<string, Blob | Uint8Array<ArrayBuffer>>>;

let registered = 0;

/** The path under which the engine finds a stage; files of the page are given to it first. @internal */
export async function modelPath(context: Context, source: ModelSource): Promise<string> {
  if (typeof source === 'string' && !/^(https?|blob|data):/.test(source)) return source.replace(/\/+$/, '');
  const root = `rivulet-file:/model-${registered++}`;
  for (const [name, content] of await filesOf(source)) {
    // Markers and checksums are no part of a model.
    if (/(^|\/)[_.][^/]*$/.test(name)) continue;
    context.files.put(`${root}/${name}`, content instanceof Blob ? content : new Blob([content]));
  }
  return root;
}

async function filesOf(source: Exclude<ModelSource, string> | string): Promise<[string, Blob | Uint8Array<ArrayBuffer>][]> {
  if (typeof source === 'string' || source instanceof URL) {
    const response = await fetch(source);
    if (!response.ok) throw new IllegalArgumentException(`${String(source)}: HTTP ${response.status}`, { condition: 'FAILED_READ_FILE.FILE_NOT_EXIST' });
    return unzip(new Uint8Array(await response.arrayBuffer()));
  }
  if (source instanceof Blob) return unzip(new Uint8Array(await source.arrayBuffer()));
  if ('getDirectoryHandle' in source) return below(source as FileSystemDirectoryHandle, '');
  return Object.entries(source as Record<string, Blob>);
}

async function below(directory: FileSystemDirectoryHandle, prefix: string): Promise<[string, Blob][]> {
  const files: [string, Blob][] = [];
  for await (const [name, entry] of directory.entries()) {
    if (entry.kind === 'directory') files.push(...await below(entry as FileSystemDirectoryHandle, `${prefix}${name}/`));
    else files.push([prefix + name, await (entry as FileSystemFileHandle).getFile()]);
  }
  return files;
}

const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];

/** The files of a zip, stored or deflated. A folder that holds everything else is left out of the names. */
export async function unzip(zip: Uint8Array<ArrayBuffer>): Promise<[string, Uint8Array<ArrayBuffer>][]> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const broken = () => new IllegalArgumentException('This is no zip file', { condition: 'CORRUPT_MODEL' });
  let end = zip.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw broken();
  let at = view.getUint32(end + 16, true);
  const files: [string, Uint8Array<ArrayBuffer>][] = [];
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== CENTRAL) throw broken();
    const [method, size, start] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    const [nameLength, extra, comment] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true)];
    const name = new TextDecoder().decode(zip.subarray(at + 46, at + 46 + nameLength));
    if (view.getUint32(start, true) !== LOCAL) throw broken();
    const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    const packed = zip.slice(data, data + size);
    if (!name.endsWith('/')) files.push([name, method === 0 ? packed : await inflated(packed)]);
    at += 46 + nameLength + extra + comment;
  }
  const top = files[0]?.[0].split('/')[0] ?? '';
  const wrapped = !['metadata', 'data', 'stages'].includes(top) && files.every(([name]) => name.startsWith(`${top}/`));
  return wrapped ? files.map(([name, bytes]) => [name.slice(top.length + 1), bytes]) : files;
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
