/** What settings say of streaming contexts. */
import { IllegalArgumentException } from '../errors.js';
import { openFolder } from '../files/open.js';

/** Whether records are let in at a limited rate. Throws for a setting that is not a number, which the driver would refuse later. */
export function isLimited(conf: Readonly<Record<string, string>>): boolean {
  const pid = ['proportional', 'integral', 'derived', 'minRate'].map((name) => `backpressure.pid.${name}`);
  for (const name of ['receiver.maxRate', ...pid]) {
    const text = conf[`spark.streaming.${name}`];
    if (text !== undefined && !(Number(text) >= 0))
      throw new IllegalArgumentException(`spark.streaming.${name} must be a number ≥ 0, got ${text}`);
  }
  return conf['spark.streaming.backpressure.enabled'] === 'true' || Number(conf['spark.streaming.receiver.maxRate'] ?? 0) > 0;
}

/** A checkpoint directory as a path of the driver's storage: that is the origin's private file system. */
export async function checkpointPath(directory: string | FileSystemDirectoryHandle): Promise<string> {
  const [root, folder] = [await navigator.storage.getDirectory(), await openFolder(directory)];
  const names = await root.resolve(folder);
  if (names && names.length > 0) return `opfs://${names.join('/')}`;
  throw new IllegalArgumentException(
    `The checkpoint directory ${folder.name} is not in the origin private file system: the engine writes only there (opfs:folder/name)`,
    { condition: 'RIVULET_CHECKPOINT_DIRECTORY' },
  );
}
