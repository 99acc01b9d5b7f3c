import type { ActionOptions, ExplainMode } from '../connect/action_options.js';
import type { StructType } from '../values/types.js';
import * as actions from './actions.js';
import type { Context, Plan } from './plan.js';

/** What the engine knows of a {@link DataFrame} without running it: schema, plan, kind. */
export abstract class Analyzed {
  /** @internal */
  constructor(
    /** @internal */ readonly context: Context,
    /** @internal */ readonly plan: Plan,
  ) {}

  /**
   * Returns names, types and nullability of the columns, as the engine resolves them.
   * @example
   * ```ts
   * (await people.schema()).simpleString(); // → 'struct<name:string,team:string,age:bigint>'
   * ```
   */
  async schema(options: ActionOptions = {}): Promise<StructType> {
    return actions.analyzeSchema(this.context, this.plan, options);
  }
  /** Returns the names of the columns. */
  async columns(): Promise<string[]> {
    return (await this.schema()).names;
  }
  /** Returns the names and types of the columns. */
  async dtypes(): Promise<[name: string, type: string][]> {
    return (await this.schema()).fields.map((field) => [field.name, field.dataType.simpleString()]);
  }
  /** Prints the schema as a tree, down to `level` if given. */
  async printSchema(level?: number): Promise<void> {
    console.log(await actions.analyzeTree(this.context, this.plan, level));
  }
  /** Prints the plan; see {@link explainString}. */
  async explain(mode: ExplainMode | boolean = 'simple'): Promise<void> {
    console.log(await this.explainString(mode));
  }
  /** Returns the plan as a string: `simple` is the physical plan, `extended` (or true) all of them. */
  async explainString(mode: ExplainMode | boolean = 'simple'): Promise<string> {
    return actions.analyzeExplain(this.context, this.plan, mode === true ? 'extended' : mode === false ? 'simple' : mode);
  }
  /**
   * Returns whether another DataFrame is computed in the same way, whatever its columns are called. Plans that are written otherwise
   * may be the same and not be found to be.
   * @example
   * ```ts
   * const [one, other] = ['n', 'm'].map((name) => spark.range(3).select(F.col('id').plus(1).alias(name)));
   * await one!.sameSemantics(other!); // → true
   * ```
   */
  async sameSemantics(other: Analyzed): Promise<boolean> {
    return actions.analyzeSame(this.context, this.plan, other.plan);
  }
  /** Returns a hash which DataFrames have in common that are the same by {@link sameSemantics}. */
  async semanticHash(): Promise<number> {
    return actions.analyzeHash(this.context, this.plan);
  }
  /** Returns whether the rows come with the plan, so that no executor is needed. */
  async isLocal(): Promise<boolean> {
    return actions.analyzeIsLocal(this.context, this.plan);
  }
  /** Returns the paths of the files that this reads. */
  async inputFiles(): Promise<string[]> {
    return actions.analyzeInputFiles(this.context, this.plan);
  }
  /** Returns whether this reads a stream: then it has no actions but {@link writeStream}. */
  async isStreaming(): Promise<boolean> {
    return actions.analyzeIsStreaming(this.context, this.plan);
  }
}
