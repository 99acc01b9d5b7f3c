/**
 * Rivulet in a process of Node.js (Deno and Bun, too): the classes of `rivulet`, whose sessions run in threads of the process, with the
 * same engine as in a page. For tests without a browser, servers and scripts.
 *
 * ```js
 * import { SparkSession } from 'rivulet/node';
 * const spark = await SparkSession.builder.master('local[2]').getOrCreate();
 * await spark.range(3).count(); // → 3
 * await spark.stop();
 * ```
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { _parts } from './api.js';
import { Locks } from './node/locks.js';
import { openState, storageIn } from './node/state_directory.js';
import { ThreadWorker, table } from './node/thread.js';

const beside = (name: string) => new URL(name, import.meta.url);

_parts.worker = () => new ThreadWorker(beside('./node_worker.js'), beside('./worker.js'), 'rivulet') as unknown as Worker;
_parts.workerUrl = () => beside('./worker.js').href;
_parts.functions = () => beside('./functions.js').href;
_parts.wasm = async () => WebAssembly.compile(await readFile(beside('./engine_bg.wasm')));
_parts.rest = () => beside('./engine_rest.wasm').href;
_parts.base = pathToFileURL(`${process.cwd()}/`).href;
_parts.locks = Locks.of(table) as unknown as LockManager;
_parts.storage = storageIn(openState) as unknown as StorageManager;

export * from './api.js';
export { stateDirectory } from './node/state_directory.js';
