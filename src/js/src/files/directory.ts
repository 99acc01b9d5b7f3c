/** How long after its last change an empty file may still be waiting for its content, ms. */
const WRITTEN_MS = 1_000;

/** Finds the files of a directory, each once, in the order in which a stream takes them. */
export class Directory {
  readonly #seen = new Set<string>();

  constructor(private readonly handle: FileSystemDirectoryHandle) {}

  /**
   * Returns the files that no call has returned yet, the earliest change first, of files changed at once by name. Names that begin
   * with `.` or `_` are not seen, as in Spark, nor are the files that a browser writes beside one that is open.
   *
   * A file that a page writes is there without content until it is closed. With `follow`, one that is empty and was changed less than
   * a second ago, and all that was changed after it, are left to a later call: a stream reads no file twice.
   */
  async found(follow: boolean): Promise<File[]> {
    const files: File[] = [];
    for await (const [name, entry] of this.handle.entries()) {
      if (entry.kind !== 'file' || this.#seen.has(name) || /^[._]|\.crswap$/.test(name)) continue;
      files.push(await (entry as FileSystemFileHandle).getFile());
    }
    files.sort((a, b) => a.lastModified - b.lastModified || (a.name < b.name ? -1 : 1));
    const now = Date.now();
    const open = follow ? files.findIndex((file) => file.size === 0 && now - file.lastModified < WRITTEN_MS) : -1;
    const taken = open < 0 ? files : files.slice(0, open);
    for (const file of taken) this.#seen.add(file.name);
    return taken;
  }
}
