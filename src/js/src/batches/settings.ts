/** What settings say of streaming contexts. */
import { IllegalArgumentException } from '../errors.js';
import { describe } from '../rdd/task/keys.js';

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

/** A checkpoint directory as the driver's storage has it. Throws unless it is a path without a scheme, or with `opfs:`. */
export function checkpointPath(directory: string): string {
  const path = typeof directory === 'string' ? directory.replace(/^opfs:(\/\/)?/, '') : '';
  if (/^[^:]*[^:/][^:]*$/.test(path)) return `opfs://${path}`;
  throw new IllegalArgumentException(
    `${typeof directory === 'string' ? directory : describe(directory)} is not a path in the engine's storage (expected opfs:folder/name)`,
    { condition: 'RIVULET_INVALID_PATH' },
  );
}
