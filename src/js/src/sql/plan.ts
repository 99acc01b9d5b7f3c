import type { ConnectClient } from '../connect/client.js';
import type { Relation, RelationKind } from '../connect/messages.js';
import type { FileRegistry } from '../files/registry.js';
import type { SparkContext } from '../rdd/context.js';
import type { PageSinks } from './streaming/foreach.js';
import type { PushSources } from './streaming/push.js';
import type { RowOptions } from '../values/rows.js';

/**
 * A relation and what must have happened before the engine can run it: files that are being fetched and registered, rows that
 * datasets must give first. All that is derived from a plan inherits its needs.
 */
export interface Plan { relation: Relation; needs: readonly PromiseLike<void>[] }

/** What DataFrames, readers and writers share of a session. */
export interface Context {
  readonly client: ConnectClient;
  readonly rowOptions: RowOptions;
  readonly files: FileRegistry;
  readonly sinks: PageSinks;
  readonly sources: PushSources;
  readonly sparkContext: SparkContext;
}

/** A plan with a relation of its own id, with the needs of the plans below it. */
export function planOf(context: Context, relType: RelationKind, ...below: Plan[]): Plan {
  return {
    relation: { common: { planId: context.client.nextPlanId() }, relType },
    needs: [...new Set(below.flatMap((plan) => plan.needs))],
  };
}
