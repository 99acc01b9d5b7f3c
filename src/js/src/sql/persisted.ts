import { hold, owns } from '../needs.js';
import type { StorageLevel } from '../rdd/job_plan.js';
import * as actions from './actions.js';
import { Analyzed } from './analyzed.js';
import { type Context, type Plan, planOf } from './plan.js';

/** What is kept of a {@link DataFrame} between queries. */
export abstract class Persisted extends Analyzed {
  /**
   * Keeps the rows, once the first job has computed them, for all later ones, and returns this DataFrame. They are in the driver's
   * memory, whatever the level says; what is more than `spark.driver.maxResultSize` is computed anew each time.
   * @example
   * ```ts
   * const teams = await people.groupBy('team').count().persist();
   * await teams.count();
   * const level = await teams.storageLevel();
   * await teams.unpersist();
   * level; // → 'MEMORY_AND_DISK'
   * ```
   */
  async persist(level: StorageLevel = 'MEMORY_AND_DISK'): Promise<this> {
    await actions.analyzePersist(this.context, this.plan, level);
    return this;
  }
  /** Does the same as {@link persist} without a level. */
  async cache(): Promise<this> {
    return this.persist();
  }
  /** Takes {@link persist} back, and returns this DataFrame. */
  async unpersist(): Promise<this> {
    await actions.analyzePersist(this.context, this.plan, null);
    return this;
  }
  /** Returns the level of {@link persist}; null if nothing is to be kept. */
  async storageLevel(): Promise<StorageLevel | null> {
    return actions.analyzeStorageLevel(this.context, this.plan);
  }

  /**
   * Computes the rows and returns them as a DataFrame of their own, which knows nothing of how they were made; with `eager: false` the
   * first job computes them. They are kept in the driver's memory until nobody has the DataFrame, and do not outlive the session.
   * @example
   * ```ts
   * const drawn = await people.select('name', F.uuid().alias('id')).checkpoint();
   * const [one, other] = [await drawn.collect(), await drawn.collect()];
   * one[0]?.['id'] === other[0]?.['id']; // → true
   * ```
   */
  async checkpoint(eager = true): Promise<this> {
    return this.#checkpoint(eager, false);
  }
  /** Does the same as {@link checkpoint}; in Spark, which writes that to a reliable directory, this stays in the executors. */
  async localCheckpoint(eager = true): Promise<this> {
    return this.#checkpoint(eager, true);
  }
  async #checkpoint(eager: boolean, local: boolean): Promise<this> {
    const { client, kept } = this.context;
    const release = hold(this.plan.needs);
    try {
      await Promise.all(this.plan.needs);
      const command = { case: 'checkpointCommand', value: { relation: this.plan.relation, local, eager } } as const;
      const result = await client.command(command, 'checkpointCommandResult');
      const relationId = result?.relation?.relationId ?? '';
      const need = Promise.resolve();
      owns(need, () => {
        if (kept.isOver) return;
        const gone = { case: 'removeCachedRemoteRelationCommand', value: { relation: { relationId } } } as const;
        client.command(gone).catch(() => {});
      });
      const made = planOf(this.context, { case: 'cachedRemoteRelation', value: { relationId } });
      // What a lazy one reads stays until it has been read.
      const plan: Plan = { ...made, needs: eager ? [need] : [need, ...this.plan.needs] };
      return new (this.constructor as new (context: Context, plan: Plan) => this)(this.context, plan);
    } finally {
      release();
    }
  }
}
