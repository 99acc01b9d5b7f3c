import { SparkRuntimeException } from '../../errors.js';
import type { Context } from '../plan.js';

/** What {@link Checkpoints.verify} found. */
export interface CheckpointReport {
  /** Whether a query could go on from here. */
  sound: boolean;
  queryId: string | null;
  /** The last batch that was begun; null before the first. */
  lastBatch: number | null;
  /** The last batch that was committed. */
  lastCommit: number | null;
  /** Files that were read. */
  files: number;
  /** What is wrong, each sentence naming a file. */
  problems: string[];
  /** What a crash left behind that a restart passes over. */
  remarks: string[];
}

/** Checkpoints of streaming queries: `spark.checkpoint`. */
export class Checkpoints {
  /** @internal */
  constructor(private readonly context: Context) {}

  /** Reads all that a restart from a location (such as `opfs:///clicks`) would read, and says whether it is sound. */
  async verify(location: string): Promise<CheckpointReport> {
    const value = new TextEncoder().encode(location);
    const answer = await this.context.client.command(
      { case: 'extension', value: { typeUrl: 'type.googleapis.com/rivulet.VerifyCheckpoint', value } },
      'extension',
    );
    if (!answer) throw new SparkRuntimeException('The engine said nothing of the checkpoint');
    return JSON.parse(new TextDecoder().decode(answer.value)) as CheckpointReport;
  }
}
