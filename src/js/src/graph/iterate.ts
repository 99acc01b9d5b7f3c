/** Supersteps in the engine: a dataset of vertices that one job after the other makes when it is first needed. */
import type { SparkContext } from '../rdd/context.js';
import type { Algorithm, Iteration } from '../rdd/job_plan.js';
import type { RddNode } from '../rdd/node.js';
import type { PlanBuilder } from '../rdd/plan_builder.js';
import { idPlacement, stepOp, type UserCall } from './nodes.js';
import type { Structure } from './structure.js';

/** A dataset whose blocks an iteration makes, run once. */
function iterated(
  context: SparkContext,
  root: RddNode,
  name: string,
  iteration: (plan: PlanBuilder) => Iteration,
  blockOf: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): RddNode {
  const { partitions } = root;
  // An empty block each: a number of rows and a kind.
  const sources = Array.from({ length: partitions }, (): Uint8Array => new Uint8Array(5));
  let run: Promise<void> | undefined;
  const iterate = async () => {
    const blocks = await context.blocks(root, iteration, name);
    blocks.forEach((block, i) => {
      sources[i] = blockOf(block);
    });
  };
  return context.node({
    name: ['VertexRDD'],
    kind: 'source',
    parents: [],
    partitions,
    sources,
    isHere: true,
    placement: idPlacement(partitions),
    prepare: () =>
      (run ??= iterate().catch((error: unknown) => {
        run = undefined;
        throw error;
      })),
  });
}

/** Runs an algorithm of the engine's: its values, by vertex. `values` says whether it reads attributes of edges, as doubles. */
export function runAlgorithm(structure: Structure, algorithm: Algorithm, limit: number | null, values = false): RddNode {
  const root = structure.engine(values);
  const { partitions, key } = root;
  const step = (t: 'first' | 'resume' | 'step', parents: (number | null)[], wide: boolean[]) => ({
    name: algorithm.name,
    parents,
    wide,
    op: { t: 'engine' as const, step: { t, algorithm } },
  });
  return iterated(structure.context, root, algorithm.name, () => ({
    t: 'iterate',
    partitions,
    limit,
    algorithm,
    first: step('first', [key], [false]),
    resume: step('resume', [key, null], [false, false]),
    cycle: [step('step', [key, null], [false, true])],
  }));
}

/** Functions and limits of Pregel. */
export interface PregelParts {
  initialMsg: unknown;
  program: UserCall;
  send: UserCall;
  merge: UserCall;
  direction: string;
  limit: number | null;
}

/** Runs Pregel with the user's functions: the values of the vertices at its end. */
export function runPregel(structure: Structure, vertices: RddNode, edges: RddNode, parts: PregelParts): RddNode {
  const { context, partitions } = structure;
  const { edges: placed, routing } = structure.pregel(edges);
  const method = 'pregel';
  const { program, send, merge, direction, limit } = parts;
  // Its plan has all datasets that the supersteps read.
  const root = context.node({
    name: ['PregelVertices'],
    kind: 'zip',
    parents: [routing, vertices, placed],
    partitions,
    op: stepOp({ step: 'pregelFirst', method, calls: [program], value: [parts.initialMsg] }),
  });
  const moved = { partitioner: { t: 'hash' as const, partitions } };
  return iterated(
    context,
    root,
    method,
    (plan) => ({
      t: 'iterate',
      partitions,
      limit,
      algorithm: null,
      first: {
        name: 'PregelVertices',
        parents: [routing.key, vertices.key],
        wide: [false, false],
        op: stepOp({ step: 'pregelFirst', method, calls: [program], value: [parts.initialMsg] })(plan),
      },
      resume: {
        name: 'PregelVertices',
        parents: [routing.key, null],
        wide: [false, false],
        op: stepOp({ step: 'pregelResume', method })(plan),
      },
      cycle: [
        {
          name: 'PregelMessages',
          parents: [placed.key, null],
          wide: [false, true],
          write: [null, moved],
          op: stepOp({ step: 'pregelSend', method, calls: [send, merge], options: { direction } })(plan),
        },
        {
          name: 'PregelVertices',
          parents: [routing.key, null],
          wide: [false, true],
          write: [null, moved],
          op: stepOp({ step: 'pregelVertices', method, calls: [program, merge] })(plan),
        },
      ],
    }),
    pairsOf,
  );
}

/**
 * The first of two byte arrays in a block: the pairs; the other one has flags. Before it are the number of values (4 bytes), their
 * kind, and the array's tag and kind; then its length.
 */
function pairsOf(block: Uint8Array): Uint8Array {
  const length = new DataView(block.buffer, block.byteOffset).getUint32(7, true);
  return block.slice(11, 11 + length);
}
