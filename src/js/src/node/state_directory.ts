/** Where a process keeps its state: checkpoints, tables of rounds, what memory has no room for. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { IllegalStateException } from '../errors.js';
import { DirectoryHandle } from './handles.js';

/** Names the process that uses a directory. No entry has this name on the disk. */
const OWNER = '%owner';

let chosen = process.env['RIVULET_STATE_DIR'];
let opened: string | undefined;

/**
 * Keeps the state of this process (checkpoints, saved models, spilled blocks: what a browser keeps in the origin's private file system)
 * in a directory, which is made when it is needed and outlives the process. Without it, and without the variable `RIVULET_STATE_DIR`, a
 * temporary directory serves, which ends with the process. One process at a time may use a directory. Throws an IllegalStateException
 * once another one is in use.
 */
export function stateDirectory(path: string): void {
  if (opened !== undefined && opened !== resolve(path))
    throw new IllegalStateException(`The state of this process is in ${opened} already: call stateDirectory before the first session`, {
      condition: 'RIVULET_STATE_DIRECTORY',
    });
  chosen = path;
}

/**
 * Takes the directory that was chosen, or a temporary one, and returns its path. Throws an IllegalStateException if another process has
 * it, or if it cannot be made or written.
 */
export function openState(): string {
  if (opened !== undefined) return opened;
  const path = chosen === undefined ? fs.mkdtempSync(join(tmpdir(), 'rivulet-')) : resolve(chosen);
  if (chosen === undefined) process.once('exit', () => fs.rmSync(path, { recursive: true, force: true }));
  else take(path);
  return (opened = path);
}

function take(path: string): void {
  try {
    fs.mkdirSync(path, { recursive: true });
    fs.accessSync(path, fs.constants.R_OK | fs.constants.W_OK);
  } catch (cause) {
    throw new IllegalStateException(`The state directory ${path} cannot be used: ${(cause as Error).message}`, {
      condition: 'RIVULET_STATE_DIRECTORY',
      cause,
    });
  }
  const mark = join(path, OWNER);
  for (;;) {
    try {
      fs.writeFileSync(mark, String(process.pid), { flag: 'wx' });
      break;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const owner = Number(fs.readFileSync(mark, 'utf8'));
      if (owner !== process.pid && isAlive(owner))
        throw new IllegalStateException(`The state directory ${path} is in use by process ${owner}: end it, or choose another directory`, {
          condition: 'RIVULET_STATE_DIRECTORY',
          cause,
        });
      // Its process ended without a word.
      fs.rmSync(mark, { force: true });
    }
  }
  process.once('exit', () => fs.rmSync(mark, { force: true }));
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `navigator.storage` over a directory, which is opened when it is first wanted. */
export const storageIn = (directory: () => string) => ({
  getDirectory: async () => new DirectoryHandle('', directory()),
});
