import { Programs } from '../src/functions/programs.js';
import type { Engine } from '../src/rdd/context.js';
import { PLAN_TYPE, type RddPlan, UPDATES_TYPE } from '../src/rdd/job_plan.js';
import type { Task } from '../src/rdd/task/task.js';
import { decode as decodeRows } from '../src/rdd/value_codec.js';

/** Enough of a session to run dataset plans in this process: stages one after the other, no scheduler, no workers. */
export function localEngine(): Engine {
  const blobs = new Map<number, Blob>();
  const held = new Map<number, Uint8Array[]>();
  return {
    client: localClient(blobs, held) as never,
    hold: (key, blocks) => {
      heldKeys.push(key);
      held.set(key, blocks);
    },
    lend: async (id, blob) => {
      blobs.set(id, blob);
    },
    takeBack: (id) => {
      blobs.delete(id);
    },
    stop: () => Promise.resolve(),
  };
}

/** Bytes of each plan that came. */
export const planSizes: number[] = [];

/** Datasets whose partitions came to be held, one after the other. */
export const heldKeys: number[] = [];

function localClient(lent: ReadonlyMap<number, Blob>, held: Map<number, Uint8Array[]>) {
  return {
    async *execute({ root }: { root: { relType: { value: { typeUrl: string; value: Uint8Array } } } }) {
      const { typeUrl, value } = root.relType.value;
      if (typeUrl !== PLAN_TYPE) throw new Error(`not a dataset plan: ${typeUrl}`);
      const [json, ...blobs] = pieces(value);
      const plan = JSON.parse(new TextDecoder().decode(json)) as RddPlan;
      for (const key of plan.forget ?? []) held.delete(key);
      if (plan.nodes.length === 0) return;
      planSizes.push(value.length);
      const programs = new Programs((text) => import(`data:text/javascript,${encodeURIComponent(text)}`), undefined, undefined, lent);
      programs.load(0, JSON.stringify(plan), blobs.slice(0, plan.values));
      await programs.loading;
      const sources = blobs.slice(plan.values);
      for (const node of plan.nodes) {
        if (!node.held) continue;
        node.firstSource = sources.length;
        sources.push(...held.get(node.key)!);
      }
      const added: Uint8Array[] = [];
      const written = new Map<string, (Uint8Array | undefined)[][]>();
      const task = (at: number, partition: number, write: [number, number] | null) => {
        const inputs = needs(plan, at, partition);
        const shuffled = inputs.shuffled.map(([node, parent, p]) => {
          const key = `${node}/${parent}`;
          if (!written.has(key)) {
            const below = plan.nodes[node]!.parents[parent]!;
            const count = plan.nodes[below]!.partitions;
            written.set(
              key,
              Array.from({ length: count }, (_, map) => task(below, map, [node, parent])),
            );
          }
          return [
            node,
            parent,
            p,
            written
              .get(key)!
              .map((blocks) => blocks[p])
              .filter((b) => b !== undefined),
          ] as const;
        });
        const header: Task = {
          root: at,
          partition,
          write,
          sources: inputs.sources,
          shuffled: shuffled.map(([n, q, p, blocks]) => [n, q, p, blocks.length]),
          kept: [],
        };
        const bytes = [
          ...inputs.sources.map(([node, p]) => sources[plan.nodes[node]!.firstSource! + p]!),
          ...shuffled.flatMap((s) => s[3]),
        ];
        const [out, , , updates] = programs.run(0, header, bytes);
        if (updates) added.push(updates);
        return out;
      };
      for (const partition of plan.only ?? Array.from({ length: plan.nodes[plan.root]!.partitions }, (_, i) => i)) {
        const [block] = task(plan.root, partition, null);
        const out = new Uint8Array(4 + block!.length);
        new DataView(out.buffer).setUint32(0, partition, true);
        out.set(block!, 4);
        decodeRows(block!);
        yield { responseType: { case: 'extension', value: { typeUrl: '', value: out } } };
      }
      for (const value of added) yield { responseType: { case: 'extension', value: { typeUrl: UPDATES_TYPE, value } } };
    },
  };
}

function pieces(bytes: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    out.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return out;
}

/** What a partition is made of, down to the wide edges. */
function needs(plan: RddPlan, at: number, partition: number) {
  const sources: [number, number][] = [];
  const shuffled: [number, number, number][] = [];
  const seen = new Set<string>();
  const visit = (at: number, p: number): void => {
    if (seen.has(`${at}/${p}`)) return;
    seen.add(`${at}/${p}`);
    const node = plan.nodes[at]!;
    switch (node.kind) {
      case 'source':
        return void sources.push([at, p]);
      case 'narrow':
        return visit(node.parents[0]!, p);
      case 'coalesce':
        return node.groups![p]!.forEach((q) => visit(node.parents[0]!, q));
      case 'union': {
        for (const parent of node.parents) {
          const { partitions } = plan.nodes[parent]!;
          if (p < partitions) return visit(parent, p);
          p -= partitions;
        }
        return;
      }
      case 'cartesian': {
        const width = plan.nodes[node.parents[1]!]!.partitions;
        visit(node.parents[0]!, Math.floor(p / width));
        return visit(node.parents[1]!, p % width);
      }
      case 'zip':
        return node.parents.forEach((parent, i) => {
          if (node.wide?.[i]) shuffled.push([at, i, p]);
          else visit(parent, p);
        });
    }
  };
  visit(at, partition);
  return { sources, shuffled };
}
