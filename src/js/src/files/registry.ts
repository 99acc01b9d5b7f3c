import type { Wire } from '../cluster/connection.js';
import { IllegalArgumentException } from '../errors.js';
import { owns } from '../needs.js';
import { Directory } from './directory.js';
import { fetched } from './fetched.js';

/**
 * What a reader can read from. Strings that are URLs (http, https, blob, data, `./…`, `../…`) are fetched; others are the engine's
 * paths.
 */
export type FileSource = OneSource | readonly FileSource[];
type OneFile = string | URL | Blob | Response | FileSystemFileHandle;
type OneSource = OneFile | FileSystemDirectoryHandle;

/** Paths for the engine, and a promise for the registration of their files. */
export interface Registered {
  paths: string[];
  ready: Promise<void>;
}

const FETCHED = /^(https?:|blob:|data:|\.\.?\/)/;
const POLL_MS = 1_000;

/** What has been found in a directory so far. */
class Looking {
  readonly paths = new Set<string>();
  poll: ReturnType<typeof setInterval> | undefined;
  isOver = false;
}

/** Registers files of the page with the driver, under paths of its own: `rivulet-file:/<number>/<name>`. */
export class FileRegistry {
  #next = 0;
  readonly #polls = new Set<ReturnType<typeof setInterval>>();
  #isOver = false;

  constructor(private readonly wire: Wire) {}

  /**
   * Registers what is needed of the sources. With `follow`, directories are looked at each second for new files. All of it ends, and
   * files are taken back, after nobody has `ready` any more.
   */
  register(sources: readonly FileSource[], follow: boolean): Registered {
    const paths: string[] = [];
    const waits: Promise<void>[] = [];
    const ends: (() => void)[] = [];
    for (const source of flat(sources)) {
      if (typeof source === 'string' && !FETCHED.test(source)) {
        paths.push(source);
        continue;
      }
      const root = `rivulet-file:/${this.#next++}`;
      const name = encodeURIComponent(nameOf(source));
      const directory = isDirectory(source);
      const path = directory ? root : `${root}/${name}`;
      paths.push(path);
      if (directory) {
        const looking = new Looking();
        ends.push(() => this.#forget(looking));
        waits.push(this.#directory(source, root, follow, looking));
      } else {
        ends.push(() => this.remove(path));
        waits.push(this.#file(source, path));
      }
    }
    const ready = Promise.all(waits).then(() => {});
    owns(ready, () => {
      if (!this.#isOver) for (const end of ends) end();
    });
    // Whoever runs the plan sees the failure; until then it is nobody's unhandled rejection.
    ready.catch(() => {});
    return { paths, ready };
  }

  /** Ends the watching of directories. */
  stop(): void {
    this.#isOver = true;
    for (const poll of this.#polls) clearInterval(poll);
    this.#polls.clear();
  }

  /** Registers a file under a path of the caller's. */
  put(path: string, blob: Blob): void {
    this.#post(path, blob);
  }

  /** Takes a file back. */
  remove(path: string): void {
    this.wire.post({ t: 'file', path, blob: null, modified: 0 });
  }

  #post(path: string, blob: Blob): void {
    const modified = blob instanceof File ? blob.lastModified : Date.now();
    this.wire.post({ t: 'file', path, blob, modified });
  }

  async #file(source: OneFile, path: string): Promise<void> {
    if (source instanceof Blob) return this.#post(path, source);
    if (typeof source === 'object' && 'getFile' in source) return this.#post(path, await source.getFile());
    this.#post(path, await fetched(source));
  }

  async #directory(handle: FileSystemDirectoryHandle, root: string, follow: boolean, looking: Looking): Promise<void> {
    const directory = new Directory(handle);
    const scan = async () => {
      for (const file of await directory.found(follow)) {
        if (looking.isOver) return;
        const path = `${root}/${encodeURIComponent(file.name)}`;
        looking.paths.add(path);
        this.#post(path, file);
      }
    };
    await scan();
    if (!follow || looking.isOver || this.#isOver) return;
    let busy = false;
    looking.poll = setInterval(() => {
      if (busy) return;
      busy = true;
      scan()
        .catch((error: unknown) => console.warn(`[rivulet] cannot look into the directory ${handle.name}:`, error))
        .finally(() => {
          busy = false;
        });
    }, POLL_MS);
    this.#polls.add(looking.poll);
  }

  /** Ends the watching of a directory, and takes its files back. */
  #forget(looking: Looking): void {
    looking.isOver = true;
    clearInterval(looking.poll);
    if (looking.poll !== undefined) this.#polls.delete(looking.poll);
    for (const path of looking.paths) this.remove(path);
  }
}

/** Sources one by one. */
export function flat(sources: readonly FileSource[]): OneSource[] {
  return sources.flatMap((source) => (Array.isArray(source) ? flat(source as readonly FileSource[]) : [source as OneSource]));
}

export function isDirectory(source: OneSource): source is FileSystemDirectoryHandle {
  return typeof source === 'object' && 'kind' in source && source.kind === 'directory';
}

/** The name of a file, for people. */
export function nameOf(source: OneSource): string {
  if (typeof source === 'string' || source instanceof URL || source instanceof Response) {
    const url = source instanceof Response ? source.url : String(source);
    return url.startsWith('data:') ? 'data' : (url.split(/[?#]/)[0]!.split('/').filter(Boolean).at(-1) ?? 'file');
  }
  if ('name' in source && typeof source.name === 'string') return source.name;
  if (source instanceof Blob) return 'blob';
  throw new IllegalArgumentException(`Cannot read from ${String(source)}`, { condition: 'RIVULET_INVALID_PATH' });
}
