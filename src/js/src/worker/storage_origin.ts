import type { FileStore } from './storage.js';

/** Files in the origin's private file system, below `/rivulet`. */
export class OriginFiles implements FileStore {
  private constructor(private readonly root: FileSystemDirectoryHandle) {}

  static async open(): Promise<OriginFiles> {
    const origin = await navigator.storage.getDirectory();
    return new OriginFiles(await origin.getDirectoryHandle('rivulet', { create: true }));
  }

  /** The folder of these names; made if `create`, else its absence is a NotFoundError. */
  async #folder(names: string[], create: boolean): Promise<FileSystemDirectoryHandle> {
    let at = this.root;
    for (const name of names) at = await at.getDirectoryHandle(name, { create });
    return at;
  }

  async write(path: string[], bytes: Uint8Array): Promise<void> {
    const folder = await this.#folder(path.slice(0, -1), true);
    const file = await folder.getFileHandle(path.at(-1) ?? '', { create: true });
    const access = await file.createSyncAccessHandle();
    try {
      access.truncate(0);
      const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at: 0 });
      // A browser that is out of room may write a part and say so only here.
      if (written !== bytes.byteLength) throw new DOMException(`wrote ${written} of ${bytes.byteLength} bytes`, 'QuotaExceededError');
      access.flush();
    } finally {
      access.close();
    }
  }

  async read(path: string[]): Promise<Uint8Array> {
    const file = await (await this.#folder(path.slice(0, -1), false)).getFileHandle(path.at(-1) ?? '');
    return new Uint8Array(await (await file.getFile()).arrayBuffer());
  }

  async list(path: string[]): Promise<string[]> {
    try {
      const names: string[] = [];
      for await (const name of (await this.#folder(path, false)).keys()) names.push(name);
      return names.sort();
    } catch (error) {
      if (isAbsence(error)) return [];
      throw error;
    }
  }

  async remove(path: string[]): Promise<void> {
    try {
      await (await this.#folder(path.slice(0, -1), false)).removeEntry(path.at(-1) ?? '', { recursive: true });
    } catch (error) {
      if (!isAbsence(error)) throw error;
    }
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotFoundError';
}
