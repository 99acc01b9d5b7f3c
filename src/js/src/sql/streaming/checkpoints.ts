import { SparkRuntimeException } from '../../errors.js';
import type { Context } from '../plan.js';

/** What {@link Checkpoints.verify} found. */
export interface CheckpointReport {
  /** Whether a query could continue from here. */
  sound: boolean;
  /** Id of the query that wrote it; null if there is no checkpoint. */
  queryId: string | null;
  /** The last batch that was begun; null before the first. */
  lastBatch: number | null;
  /** The last batch that was committed; null before the first. */
  lastCommit: number | null;
  /** Files that were read. */
  files: number;
  /** What is wrong: each sentence names a file. */
  problems: string[];
  /** What a crash left and a restart ignores. */
  remarks: string[];
}

/** Checkpoints of streaming queries: `spark.checkpoint`. */
export class Checkpoints {
  /** @internal */
  constructor(private readonly context: Context) {}

  /** Reads all that a restart from a location (such as `opfs:///clicks`) would read, and returns whether it is sound. */
  async verify(location: string): Promise<CheckpointReport> {
    const value = new TextEncoder().encode(location);
    const answer = await this.context.client.command(
      { case: 'extension', value: { typeUrl: 'type.googleapis.com/rivulet.VerifyCheckpoint', value } },
      'extension',
    );
    if (!answer) throw new SparkRuntimeException('The engine returned no report on the checkpoint');
    return JSON.parse(new TextDecoder().decode(answer.value)) as CheckpointReport;
  }
}
