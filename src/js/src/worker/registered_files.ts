/** Files that the page has registered: read in this worker, synchronously, when a task needs them. */
import { SparkError } from '../errors.js';
export class RegisteredFiles {
  readonly #files = new Map<string, { blob: Blob; modified: number }>();

  set(path: string, blob: Blob | null, modified: number): void {
    if (blob) this.#files.set(path, { blob, modified });
    else this.#files.delete(path);
  }

  /** The file at `path`, or all files below it, by path. */
  list(path: string): { path: string; size: number; modified: number }[] {
    const below = path.endsWith('/') ? path : `${path}/`;
    return [...this.#files]
      .filter(([name]) => name === path || name.startsWith(below))
      .map(([name, { blob, modified }]) => ({ path: name, size: blob.size, modified }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Throws when nothing is registered under `path` or the file has changed or is gone. */
  read(path: string): Uint8Array {
    const file = this.#files.get(path);
    if (!file) throw new SparkError(`no file is registered as ${path}`, { condition: 'FAILED_READ_FILE.FILE_NOT_EXIST' });
    return new Uint8Array(new FileReaderSync().readAsArrayBuffer(file.blob));
  }
}
