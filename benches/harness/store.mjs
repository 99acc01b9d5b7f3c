// The data sets on disk: made at first use, one file per micro-batch, the same bytes on every machine.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from '../../src/js/scripts/paths.mjs';

/** The folder of all data sets. Whoever changes how one is made gives it another name, or removes its folder. */
export const DATA = join(CACHE, 'bench/data');

/** Returns the folder of a data set within DATA, and the names of its files. */
export function stored(dataset, scale) {
  const folder = `${dataset.name}-${scale}`;
  const path = join(DATA, folder);
  if (!existsSync(path)) {
    const part = `${path}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    let count = 0;
    for (const bytes of dataset.batches(scale)) writeFileSync(join(part, String(count++).padStart(4, '0')), bytes);
    renameSync(part, path);
  }
  return { folder, files: readdirSync(path).sort() };
}

/** Returns the bytes of a data set's files. */
export const read = ({ folder, files }) => files.map((file) => new Uint8Array(readFileSync(join(DATA, folder, file))));
