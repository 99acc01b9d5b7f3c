import { SparkTypeError } from '../errors.js';
import { framed } from '../rdd/framing.js';
import { PlanBuilder } from '../rdd/plan_builder.js';
import { type Bound, checkRemote, type Remote } from '../rdd/remote.js';
import type { GroupFunctionPlan, OwnProcessor } from '../state/group_plan.js';

/** A function over groups as it travels, with what is bound to it. Throws a SparkTypeError for one that cannot travel. */
export function groupPayload(
  f: Remote<(...args: never[]) => unknown>,
  bound: Bound | undefined,
  rest: Omit<GroupFunctionPlan, 'call' | 'functions' | 'own'>,
): Uint8Array {
  const { kind } = rest;
  checkRemote(f, kind, bound);
  if (kind === 'transformWithState' && typeof f === 'function') checkClass(f);
  const builder = new PlanBuilder();
  const plan: GroupFunctionPlan = { ...rest, call: builder.call(f, kind, bound), functions: builder.functions };
  return framed([new TextEncoder().encode(JSON.stringify(plan)), ...builder.values]);
}

/** A processor that executors have, as it travels. */
export function ownPayload(own: OwnProcessor, rest: Omit<GroupFunctionPlan, 'call' | 'functions' | 'own'>): Uint8Array {
  const plan: GroupFunctionPlan = { ...rest, own, call: { f: 0 }, functions: [] };
  return framed([new TextEncoder().encode(JSON.stringify(plan))]);
}

/** Checks that a class is all that it needs: only its own text travels. */
function checkClass(processor: (...args: never[]) => unknown): void {
  if (/^class\b[^{]*\bextends\b/.test(Function.prototype.toString.call(processor))) {
    throw new SparkTypeError(
      'transformWithState: a class that extends another does not travel: only its own text does. Put it into a module of its own and give { module, export }',
      { condition: 'RIVULET_FUNCTION' },
    );
  }
}
