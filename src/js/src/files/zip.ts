/** Zip archives, stored or deflated, of less than 4 GiB: zip64 is not read. */
import { IllegalArgumentException } from '../errors.js';

const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];

/** Most bytes that the files of a zip may have together, unpacked. */
const MOST_BYTES = 1024 ** 3;

/**
 * Returns the files of a zip by name. Throws RIVULET_CORRUPT_ARCHIVE for anything else, for a file that is not of the size and checksum
 * that the archive says, or that is named as one outside of it; RIVULET_ARCHIVE_TOO_LARGE, before anything is unpacked, if the files
 * are larger together than `mostBytes`.
 */
export async function unzip(zip: Uint8Array<ArrayBuffer>, mostBytes = MOST_BYTES): Promise<[string, Uint8Array<ArrayBuffer>][]> {
  try {
    const entries = [...entriesOf(zip)];
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    if (bytes > mostBytes) {
      const message = `The files of the archive have ${bytes} bytes, and ${mostBytes} is the limit`;
      throw new IllegalArgumentException(message, { condition: 'RIVULET_ARCHIVE_TOO_LARGE' });
    }
    const files: [string, Uint8Array<ArrayBuffer>][] = [];
    for (const entry of entries) files.push([entry.name, await contentOf(entry)]);
    return files;
  } catch (cause) {
    if (cause instanceof IllegalArgumentException) throw cause;
    throw new IllegalArgumentException('The archive cannot be read: not a zip file, or a damaged one', {
      condition: 'RIVULET_CORRUPT_ARCHIVE',
      cause,
    });
  }
}

interface Entry {
  name: string;
  deflated: boolean;
  packed: Uint8Array<ArrayBuffer>;
  /** Bytes, unpacked. */
  size: number;
  /** The checksum of these. */
  checksum: number;
}

/** The files of the central directory, which a record at the end of the archive finds; throws a RangeError for what is not one. */
function* entriesOf(zip: Uint8Array<ArrayBuffer>): Generator<Entry> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const expect = (at: number, signature: number) => {
    if (view.getUint32(at, true) !== signature) throw new RangeError(`no record of a zip at byte ${at}`);
  };
  let end = zip.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  expect(end, END);
  let at = view.getUint32(end + 16, true);
  let free = 0;
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    expect(at, CENTRAL);
    const [method, checksum] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)];
    const [length, size, start] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true), view.getUint32(at + 42, true)];
    const [nameLength, extra, comment] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true)];
    const name = new TextDecoder().decode(zip.subarray(at + 46, at + 46 + nameLength));
    if (name.startsWith('/') || /[\\\0]/.test(name) || name.split('/').includes('..')) throw new RangeError(`a file outside: ${name}`);
    if (method !== 0 && method !== 8) throw new RangeError(`${name} is packed by method ${method}`);
    expect(start, LOCAL);
    const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    // Files that lie upon each other unpack to more than the archive could hold.
    free += length;
    if (data + length > zip.byteLength || free > zip.byteLength) throw new RangeError(`${name} ends beyond the archive`);
    if (!name.endsWith('/')) yield { name, deflated: method !== 0, packed: zip.slice(data, data + length), size, checksum };
    at += 46 + nameLength + extra + comment;
  }
}

/** A file's bytes; throws a RangeError if they are not of the size and checksum that the directory says. */
async function contentOf({ name, deflated, packed, size, checksum }: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = deflated ? await inflated(packed, size) : packed;
  if (bytes.byteLength !== size || crc32(bytes) !== checksum) throw new RangeError(`${name} is damaged`);
  return bytes;
}

/** Unpacks bytes, but none beyond `size`. */
async function inflated(packed: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let found = 0;
  for await (const chunk of new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))) {
    found += chunk.byteLength;
    if (found > size) throw new RangeError(`more than the ${size} bytes that the archive says`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
/** The checksum of bytes, CRC-32 as zip and Java have it. */
export const crc32 = (bytes: Uint8Array): number => ~bytes.reduce((c, byte) => (CRC[(c ^ byte) & 0xff] as number) ^ (c >>> 8), -1) >>> 0;

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
    const fields = [
      [2, 20],
      [2, 0x800],
      [2, 0],
      [2, 0],
      [2, JANUARY_1980],
      [4, crc32(bytes)],
      [4, bytes.byteLength],
      [4, bytes.byteLength],
      [2, encoded.byteLength],
      [2, 0],
    ] as const;
    const start = length(parts);
    parts.push(...record(LOCAL, fields, encoded, bytes));
    directory.push(...record(CENTRAL, [[2, 20], ...fields, [2, 0], [2, 0], [2, 0], [4, 0], [4, start]], encoded));
  }
  const end = record(END, [
    [2, 0],
    [2, 0],
    [2, files.length],
    [2, files.length],
    [4, length(directory)],
    [4, length(parts)],
    [2, 0],
  ]);
  return new Blob([...parts, ...directory, ...end], { type: 'application/zip' });
}
