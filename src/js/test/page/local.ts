/** What the tests of discretized streams share: they run in a page, with a session of their own. */
import { type SparkContext, SparkSession } from '../../src/index.js';

let session: Promise<SparkSession> | undefined;

/** The context of the one session of the page. */
export async function context(): Promise<SparkContext> {
  session ??= SparkSession.builder.master('local[2]').config('spark.default.parallelism', '2').create();
  return (await session).sparkContext;
}

/** The context of a session of its own, with these settings; it ends with `stop()`. */
export async function contextWith(conf: Record<string, string>): Promise<SparkContext> {
  const builder = SparkSession.builder.master('local[1]');
  for (const [key, value] of Object.entries(conf)) builder.config(key, value);
  return (await builder.create()).sparkContext;
}

/** A checkpoint directory that nobody has used. */
export const directory = () => `opfs:page-tests/${crypto.randomUUID()}`;

/** The names in a directory of the engine's storage. */
export async function namesIn(path: string): Promise<string[]> {
  let folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('rivulet');
  for (const name of path.slice('opfs:'.length).split('/')) folder = await folder.getDirectoryHandle(name, { create: true });
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names.sort();
}

/** Waits until what an async iterable has given is taken. */
export const taken = async () => {
  for (let turns = 0; turns < 30; turns++) await Promise.resolve();
};

/** An async iterable that gives what is pushed. */
export function pushed<T>(): { push(...rows: T[]): Promise<void>; source: AsyncIterable<T> } {
  const rows: T[] = [];
  let wake = () => {};
  async function* source() {
    for (;;) {
      while (rows.length > 0) yield rows.shift()!;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return {
    push: async (...more) => {
      rows.push(...more);
      wake();
      await taken();
    },
    source: source(),
  };
}
