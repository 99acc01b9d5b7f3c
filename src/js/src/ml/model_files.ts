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

/**
 * A saved stage as a zip, for a download: the directory that `save` wrote into the origin's private file system. Spark loads the
 * directory that is in it, and so does `load`.
 */
export async function modelArchive(path: string): Promise<Blob> {
  let folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('rivulet');
  for (const name of path.split('/').filter(Boolean)) folder = await folder.getDirectoryHandle(name);
  return zip(await Promise.all((await below(folder, '')).map(async ([name, blob]) => [name, unsealed(new Uint8Array(await blob.arrayBuffer()))] as const)));
}

/** A stored file's content: the engine ends its files with a seal, so that a torn one is found out. */
function unsealed(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const SEAL_BYTES = 24;
  return new TextDecoder().decode(file.subarray(-8)) === 'RVLTSEAL' ? file.slice(0, -SEAL_BYTES) : file;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
const crc = (bytes: Uint8Array): number => ~bytes.reduce((c, byte) => (CRC[(c ^ byte) & 0xff] as number) ^ (c >>> 8), -1) >>> 0;

/** Files as a zip, stored as they are. */
export function zip(files: readonly (readonly [string, Uint8Array<ArrayBuffer>])[]): Blob {
  const [parts, directory]: [Uint8Array<ArrayBuffer>[], Uint8Array<ArrayBuffer>[]] = [[], []];
  const record = (signature: number, fields: readonly (readonly [size: 2 | 4, value: number])[], ...tail: Uint8Array<ArrayBuffer>[]) => {
    const head = new DataView(new ArrayBuffer(4 + fields.reduce((sum, [size]) => sum + size, 0)));
    head.setUint32(0, signature, true);
    let at = 4;
    for (const [size, value] of fields) {
      if (size === 2) head.setUint16(at, value, true);
      else head.setUint32(at, value, true);
      at += size;
    }
    return [new Uint8Array(head.buffer), ...tail];
  };
  const length = (list: Uint8Array[]) => list.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const JANUARY_1980 = 0x21;
  for (const [name, bytes] of files) {
    const encoded = new TextEncoder().encode(name);
    // Version, UTF-8 names, stored, time, date, checksum, both sizes, lengths of name and extra.
    const fields = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, JANUARY_1980], [4, crc(bytes)], [4, bytes.byteLength], [4, bytes.byteLength],
      [2, encoded.byteLength], [2, 0]] as const;
    const start = length(parts);
    parts.push(...record(LOCAL, fields, encoded, bytes));
    directory.push(...record(CENTRAL, [[2, 20], ...fields, [2, 0], [2, 0], [2, 0], [4, 0], [4, start]], encoded));
  }
  const end = record(END, [[2, 0], [2, 0], [2, files.length], [2, files.length], [4, length(directory)], [4, length(parts)], [2, 0]]);
  return new Blob([...parts, ...directory, ...end], { type: 'application/zip' });
}
