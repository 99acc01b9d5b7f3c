/** The connected components of a graph whose edges come as a stream: a processor of the package's own. */
import { SparkRuntimeException } from '../errors.js';
import type { Row } from '../values/rows.js';
import type { OwnProcessor } from './group_plan.js';
import type { MapState, StatefulProcessor, StatefulProcessorHandle } from './processor.js';

/** A vertex, or the lowest of a component: a whole number, `bigint` only beyond 2^53 − 1, or a string. */
type Id = number | bigint | string;

/** Vertices that came one after the other, and of each the lowest vertex of its component. */
interface Page {
  ids: Id[];
  lowest: Id[];
}

/** A change writes the page that it is on. */
const PAGE_VERTICES = 256;

/** Checks that ids are of the kind of those that are kept: a checkpoint may be another graph's. */
function checkKind(kept: Id | undefined, come: Id | undefined): void {
  const [before, now] = [kept, come].map((id) => (typeof id === 'string' ? 'STRING' : 'BIGINT'));
  if (kept === undefined || before === now) return;
  throw new SparkRuntimeException(`The ids of this graph are ${now}, and its checkpoint has ids that are ${before}: it needs another one`, {
    condition: 'RIVULET_GRAPH_ID',
    parameters: { types: now!, checkpoint: before! },
  });
}

/** One form for each number, whether the session reads LONG as bigint or not: ids are kept from one session to the next. */
const idOf = (value: Id): Id =>
  typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

/** UTF-16 has surrogates, which are letters beyond U+FFFF, before U+E000; UTF-8, by which Spark orders strings, after U+FFFF. */
const rank = (unit: number) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);

/** Whether `a` is before `b`, as Spark orders LONG and STRING. */
export function isBefore(a: Id, b: Id): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return a < b;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) < rank(y);
  }
  return a.length < b.length;
}

/** Sets of ids that are joined, each named by its lowest (union-find). An id that was never joined is a set of its own. */
class Sets {
  /** Another id of the set, which is lower. */
  readonly #lower = new Map<Id, Id>();

  get size(): number {
    return this.#lower.size;
  }

  /** Returns the lowest id of a set. */
  lowest(id: Id): Id {
    let at = id;
    for (let next = this.#lower.get(at); next !== undefined; next = this.#lower.get(at)) at = next;
    // What was walked over leads to the end from now on.
    for (let from = id; from !== at; ) {
      const next = this.#lower.get(from)!;
      this.#lower.set(from, at);
      from = next;
    }
    return at;
  }

  join(a: Id, b: Id): void {
    const [one, other] = [this.lowest(a), this.lowest(b)];
    if (one === other) return;
    if (isBefore(one, other)) this.#lower.set(other, one);
    else this.#lower.set(one, other);
  }
}

/**
 * Takes edges `{ src, dst }` of one group, returns `{ id, component }` of the vertices that are new or have another component. Its state
 * is the component of each vertex, on pages. A batch joins the components of its edges' ends, and then writes the pages that have
 * vertices of a joined one: time grows with the vertices that there are, memory beside the state with the edges of the batch.
 */
export class ConnectedComponents implements StatefulProcessor {
  #pages!: MapState<number, Page>;

  init(handle: StatefulProcessorHandle): void {
    this.#pages = handle.getMapState('pages');
  }

  *handleInputRows(_key: Row, rows: Row[]): Generator<Row> {
    const pages = [...this.#pages.iterator()];
    const sets = new Sets();
    /** Of each end of an edge: the component that it had, itself if it is new. */
    const before = new Map<Id, Id>();
    for (const { src, dst } of rows) {
      for (const end of [src, dst]) {
        const id = idOf(end);
        before.set(id, id);
      }
    }
    const fresh = new Set(before.keys());
    checkKind(pages[0]?.[1].ids[0], before.keys().next().value);
    for (const [, { ids, lowest }] of pages) {
      ids.forEach((id, i) => {
        if (fresh.delete(id)) before.set(id, lowest[i]!);
      });
    }
    for (const { src, dst } of rows) sets.join(before.get(idOf(src))!, before.get(idOf(dst))!);
    for (const [number, page] of pages) yield* this.#joined(number, page, sets);
    yield* this.#added(fresh, sets, pages);
  }

  /** The vertices of a page whose component was joined to a lower one. */
  *#joined(number: number, page: Page, sets: Sets): Generator<Row> {
    if (sets.size === 0) return;
    let changed = false;
    for (const [i, id] of page.ids.entries()) {
      const component = sets.lowest(page.lowest[i]!);
      if (component === page.lowest[i]) continue;
      page.lowest[i] = component;
      changed = true;
      yield { id, component };
    }
    if (changed) this.#pages.updateValue(number, page);
  }

  /** Vertices that are new: they fill the last page, then others. */
  *#added(fresh: ReadonlySet<Id>, sets: Sets, pages: readonly [number, Page][]): Generator<Row> {
    let number = Math.max(0, pages.length - 1);
    let page = pages.find(([one]) => one === number)?.[1] ?? { ids: [], lowest: [] };
    let changed = false;
    for (const id of fresh) {
      if (page.ids.length === PAGE_VERTICES) {
        if (changed) this.#pages.updateValue(number, page);
        number += 1;
        page = { ids: [], lowest: [] };
      }
      const component = sets.lowest(id);
      page.ids.push(id);
      page.lowest.push(component);
      changed = true;
      yield { id, component };
    }
    if (changed) this.#pages.updateValue(number, page);
  }
}

/** Processors that executors have, by the name under which they travel. */
export const OWN_PROCESSORS: Readonly<Record<OwnProcessor, new () => StatefulProcessor>> = { connectedComponents: ConnectedComponents };
