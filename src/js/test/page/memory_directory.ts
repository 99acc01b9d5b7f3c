/** A folder in memory that looks like a FileSystemDirectoryHandle, whose files have the times of a test's clock. */
interface FileEntry {
  kind: 'file';
  getFile(): Promise<File>;
  createWritable(): Promise<{ write(content: Uint8Array | string): Promise<void>; close(): Promise<void> }>;
}

export class MemoryDirectory {
  readonly kind = 'directory';
  readonly #entries = new Map<string, MemoryDirectory | FileEntry>();
  /** Times that files are written at. */
  constructor(private readonly now = () => 0) {}

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryDirectory> {
    const found = this.#entries.get(name);
    if (found instanceof MemoryDirectory) return found;
    if (!create) throw new DOMException(name, 'NotFoundError');
    const made = new MemoryDirectory(this.now);
    this.#entries.set(name, made);
    return made;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FileEntry> {
    const found = this.#entries.get(name);
    if (found && !(found instanceof MemoryDirectory)) return found;
    if (!create) throw new DOMException(name, 'NotFoundError');
    let file = new File([], name, { lastModified: this.now() });
    const entry: FileEntry = {
      kind: 'file',
      getFile: () => Promise.resolve(file),
      createWritable: () => {
        const parts: Uint8Array<ArrayBuffer>[] = [];
        return Promise.resolve({
          write: (content) => {
            parts.push(typeof content === 'string' ? new TextEncoder().encode(content) : content.slice());
            return Promise.resolve();
          },
          close: async () => {
            file = new File(parts, name, { lastModified: this.now() });
          },
        });
      },
    };
    this.#entries.set(name, entry);
    return entry;
  }

  async removeEntry(name: string): Promise<void> {
    this.#entries.delete(name);
  }
  async *keys(): AsyncGenerator<string> {
    yield* [...this.#entries.keys()];
  }
  async *entries(): AsyncGenerator<[string, MemoryDirectory | FileEntry]> {
    yield* [...this.#entries];
  }

  /** As the code under test takes it. */
  get handle(): FileSystemDirectoryHandle {
    return this as never;
  }
}
