/**
 * The File System API over a directory of the disk: what browsers call the origin's private file system. Only what sessions and the
 * engine use of it is here.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';

/** Names may have characters that file systems refuse. */
const onDisk = (name: string) => encodeURIComponent(name).replaceAll('*', '%2A');

/** The name of an entry; undefined for what lies beside entries, under names that none has on the disk: with a % that escapes nothing. */
function nameOf(found: string): string | undefined {
  try {
    return decodeURIComponent(found);
  } catch {
    return undefined;
  }
}

function checked(name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\\]/.test(name)) return onDisk(name);
  throw new TypeError(`Name is not allowed: ${JSON.stringify(name)}`);
}

const CONDITIONS: Record<string, string> = {
  ENOENT: 'NotFoundError',
  ENOTDIR: 'TypeMismatchError',
  EISDIR: 'TypeMismatchError',
  ENOTEMPTY: 'InvalidModificationError',
  ENOSPC: 'QuotaExceededError',
  EDQUOT: 'QuotaExceededError',
  EACCES: 'NotAllowedError',
  EROFS: 'NotAllowedError',
};

/** Does something with the disk; what fails is the error that a browser has for it. */
function onFiles<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw CONDITIONS[code] ? new DOMException(message, CONDITIONS[code]) : cause;
  }
}

/** A file or a folder. */
abstract class Handle {
  abstract readonly kind: 'file' | 'directory';
  constructor(
    readonly name: string,
    /** Where it is. */ readonly path: string,
  ) {}
}

/** A file that is read and written in place (`FileSystemSyncAccessHandle`). */
export class SyncAccessHandle {
  readonly #file: number;
  #at = 0;

  constructor(path: string) {
    this.#file = onFiles(() => fs.openSync(path, 'r+'));
  }

  #move(bytes: number, at: number): number {
    this.#at = at + bytes;
    return bytes;
  }
  read(into: ArrayBufferView | ArrayBuffer, { at = this.#at } = {}): number {
    return this.#move(
      onFiles(() => fs.readSync(this.#file, viewOf(into), { position: at })),
      at,
    );
  }
  write(bytes: ArrayBufferView | ArrayBuffer, { at = this.#at } = {}): number {
    const view = viewOf(bytes);
    let done = 0;
    while (done < view.length) done += onFiles(() => fs.writeSync(this.#file, view, done, view.length - done, at + done));
    return this.#move(done, at);
  }
  truncate(size: number): void {
    onFiles(() => fs.ftruncateSync(this.#file, size));
    this.#at = Math.min(this.#at, size);
  }
  getSize(): number {
    return onFiles(() => fs.fstatSync(this.#file).size);
  }
  flush(): void {
    onFiles(() => fs.fsyncSync(this.#file));
  }
  close(): void {
    fs.closeSync(this.#file);
  }
}

const viewOf = (bytes: ArrayBufferView | ArrayBuffer) =>
  ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);

/** Content that takes the place of a file's when it is closed. */
class WritableFile {
  readonly #parts: Uint8Array[] = [];
  constructor(private readonly path: string) {}

  async write(content: Blob | ArrayBufferView | ArrayBuffer | string): Promise<void> {
    if (typeof content === 'string') this.#parts.push(new TextEncoder().encode(content));
    else this.#parts.push(content instanceof Blob ? new Uint8Array(await content.arrayBuffer()) : viewOf(content).slice());
  }
  async close(): Promise<void> {
    const made = `${this.path}%new`;
    onFiles(() => {
      fs.writeFileSync(made, Buffer.concat(this.#parts), { flush: true });
      fs.renameSync(made, this.path);
    });
  }
  async abort(): Promise<void> {}
}

/** A file (`FileSystemFileHandle`). */
export class FileHandle extends Handle {
  readonly kind = 'file';

  async getFile(): Promise<File> {
    const { bytes, lastModified } = onFiles(() => ({
      bytes: fs.readFileSync(this.path),
      lastModified: Math.floor(fs.statSync(this.path).mtimeMs),
    }));
    return new File([bytes], this.name, { lastModified });
  }
  async createSyncAccessHandle(): Promise<SyncAccessHandle> {
    return new SyncAccessHandle(this.path);
  }
  async createWritable(): Promise<WritableFile> {
    return new WritableFile(this.path);
  }
}

/** A folder (`FileSystemDirectoryHandle`). */
export class DirectoryHandle extends Handle {
  readonly kind = 'directory';

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<DirectoryHandle> {
    const path = join(this.path, checked(name));
    onFiles(() => {
      if (create && !fs.existsSync(path)) fs.mkdirSync(path, { recursive: true });
      if (!fs.statSync(path).isDirectory()) throw new DOMException(`${path} is a file`, 'TypeMismatchError');
    });
    return new DirectoryHandle(name, path);
  }
  async getFileHandle(name: string, { create = false } = {}): Promise<FileHandle> {
    const path = join(this.path, checked(name));
    onFiles(() => {
      if (create) fs.closeSync(fs.openSync(path, 'a'));
      if (!fs.statSync(path).isFile()) throw new DOMException(`${path} is a folder`, 'TypeMismatchError');
    });
    return new FileHandle(name, path);
  }
  async removeEntry(name: string, { recursive = false } = {}): Promise<void> {
    const path = join(this.path, checked(name));
    onFiles(() => {
      if (fs.statSync(path).isFile()) fs.unlinkSync(path);
      else if (recursive) fs.rmSync(path, { recursive });
      else fs.rmdirSync(path);
    });
  }

  async *entries(): AsyncGenerator<[string, DirectoryHandle | FileHandle]> {
    for (const entry of onFiles(() => fs.readdirSync(this.path, { withFileTypes: true }))) {
      const [name, path] = [nameOf(entry.name), join(this.path, entry.name)];
      if (name === undefined || !(entry.isFile() || entry.isDirectory())) continue;
      yield [name, entry.isFile() ? new FileHandle(name, path) : new DirectoryHandle(name, path)];
    }
  }
  async *keys(): AsyncGenerator<string> {
    for await (const [name] of this.entries()) yield name;
  }
}
