import type { StorageLevel } from './job_plan.js';
import type { RddNode } from './node.js';

const LEVELS: Record<StorageLevel, string> = {
  MEMORY_ONLY: 'Memory Deserialized',
  MEMORY_AND_DISK: 'Disk Memory Deserialized',
  DISK_ONLY: 'Disk Serialized',
};

/** A dataset as Spark has it; one of ours may stand for several of Spark's. */
interface Shown {
  text: string;
  partitions: number;
  below: { shown: Shown; moves: boolean }[];
}

function shown(dataset: RddNode): Shown {
  const { partitions, parents, wide, level } = dataset;
  let { id } = dataset;
  const made = (name: string, width: number): Shown => {
    const kept = id === dataset.id && level ? ` [${LEVELS[level]} 1x Replicated]` : '';
    return { text: `${name}[${id--}]${kept}`, partitions: width, below: [] };
  };
  const [above, below] = [false, true].map((lower) => dataset.name.filter((name) => name.startsWith('+') === lower)) as [
    string[],
    string[],
  ];
  const chain = (links: Shown[]) =>
    links.forEach((link, i) => {
      if (i > 0) links[i - 1]!.below.push({ shown: link, moves: false });
    });
  const own = above.map((name) => made(name, partitions));
  chain(own);
  parents.forEach((parent, i) => {
    const moves = wide?.[i] ?? false;
    const links = [...(moves ? below.map((name) => made(name.slice(1), parent.partitions)) : []), shown(parent)];
    chain(links);
    own.at(-1)!.below.push({ shown: links[0]!, moves });
  });
  return own[0]!;
}

/** Its partitions, and what stands before the lines of what is under it. */
function counted({ partitions }: Shown): [count: string, before: string] {
  const count = `(${partitions})`;
  const left = (count.length - 1) >> 1;
  return [count, `${' '.repeat(left)}|${' '.repeat(count.length - left)}`];
}

/**
 * `RDD.toDebugString`: datasets from the last to the first, those of one stage below one another; where rows move a new stage
 * begins with `+-` and the number of its partitions.
 */
export function debugString(root: RddNode): string {
  const lines: string[] = [];
  const under = ({ below }: Shown, before: string) => {
    below.forEach(({ shown: child, moves }, i) => {
      if (!moves) {
        lines.push(before + child.text);
        return under(child, before);
      }
      const [count, next] = counted(child);
      const at = before.replace(/\|\s+$/, '');
      lines.push(`${at}+-${count} ${child.text}`);
      return under(child, `${at}${i === below.length - 1 ? '  ' : '| '}${next}`);
    });
  };
  const top = shown(root);
  const [count, before] = counted(top);
  lines.push(`${count} ${top.text}`);
  under(top, before);
  return lines.join('\n');
}
