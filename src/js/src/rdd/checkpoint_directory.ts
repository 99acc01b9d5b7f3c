import { newFolder, writeFile } from '../files/open.js';

/** Where checkpoints of datasets are written: below a folder of the context's own, one folder per dataset. */
export class CheckpointDirectory {
  readonly #name = crypto.randomUUID();
  #root: Promise<FileSystemDirectoryHandle> | undefined;

  constructor(private readonly directory: string | FileSystemDirectoryHandle) {}

  async #folder(): Promise<FileSystemDirectoryHandle> {
    const { directory } = this;
    if (typeof directory === 'string') return newFolder(`${directory.replace(/\/+$/, '')}/${this.#name}`);
    return directory.getDirectoryHandle(this.#name, { create: true });
  }

  /** Writes the blocks of a dataset's partitions, and returns the files. */
  async write(dataset: number, blocks: readonly Uint8Array[]): Promise<Blob[]> {
    const root = await (this.#root ??= this.#folder());
    const folder = await root.getDirectoryHandle(`rdd-${dataset}`, { create: true });
    return Promise.all(
      blocks.map(async (block, i) => {
        const name = `part-${String(i).padStart(5, '0')}`;
        await writeFile(folder, name, block as Uint8Array<ArrayBuffer>);
        return (await folder.getFileHandle(name)).getFile();
      }),
    );
  }
}
