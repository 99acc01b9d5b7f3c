// Connected components of a stream of edges, beside a plain model; the browser's tests run them in executors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
// @ts-expect-error The model is plain JavaScript, shared with the browser tests.
import { componentsOf, order, uniform } from '../../../tests/browser/graph_stream_model.js';
import { decode, encode } from '../src/rdd/value_codec.js';
import { ConnectedComponents, isBefore } from '../src/state/components.js';
import type { StatefulProcessorHandle } from '../src/state/processor.js';

type Id = number | bigint | string;

/** A state store: values as bytes, and how many pages were written since it was last asked. */
class Store {
  readonly kept = new Map<number, Uint8Array>();
  written = 0;

  getMapState() {
    const { kept } = this;
    return {
      *iterator() {
        for (const [key, bytes] of kept) yield [key, decode(bytes)[0]];
      },
      updateValue: (key: number, value: unknown) => {
        kept.set(key, encode([value]));
        this.written += 1;
      },
    };
  }

  /** A batch, by a processor of its own, as in the engine. */
  run(edges: [Id, Id][]): [Id, Id][] {
    this.written = 0;
    const processor = new ConnectedComponents();
    processor.init(this as unknown as StatefulProcessorHandle);
    const rows = edges.map(([src, dst]) => ({ src, dst }));
    return [...processor.handleInputRows({}, rows)].map(({ id, component }) => [id, component]);
  }
}

const random = uniform(5) as () => number;
const pick = (n: number) => Math.floor(random() * n);

test('batches of any size make the components of the model, and write no page that did not change', () => {
  for (let round = 0; round < 60; round++) {
    const vertices = 2 + pick(round % 6 === 0 ? 1_500 : 40);
    const store = new Store();
    const edges: [Id, Id][] = [];
    const table = new Map<Id, Id>();
    for (let batch = 0; batch < 6; batch++) {
      const added = Array.from({ length: pick(round % 6 === 0 ? 400 : 12) }, (): [Id, Id] => [pick(vertices) - 5, pick(vertices) - 5]);
      edges.push(...added);
      const changed = store.run(added);
      assert.equal(new Set(changed.map(([id]) => id)).size, changed.length, 'each vertex once');
      for (const [id, component] of changed) {
        assert.notEqual(table.get(id), component);
        table.set(id, component);
      }
      assert.deepEqual(table, componentsOf(edges));
      assert.deepEqual(store.run(added), [], 'the same edges again change nothing');
      assert.equal(store.written, 0);
    }
  }
});

test('numbers are the same ids whether they come as bigint or not', () => {
  const store = new Store();
  store.run([
    [1, 2],
    [2n ** 60n, 3],
  ]);
  assert.deepEqual(store.run([[2n, 2n ** 60n]]), [
    [2n ** 60n, 1],
    [3, 1],
  ]);
});

test('strings are in the order of their UTF-8 bytes', () => {
  const letters = ['', 'a', 'z', 'é', '\u07ff', '\ud7ff', '\ue000', '\uff5e', '\uffff', '\u{10000}', '\u{1F600}', '\u{10ffff}'];
  for (let n = 0; n < 5_000; n++) {
    const [a, b] = [0, 1].map(() => Array.from({ length: pick(4) }, () => letters[pick(letters.length)]).join('')) as [string, string];
    assert.equal(isBefore(a, b), (order as (a: string, b: string) => number)(a, b) < 0, JSON.stringify([a, b]));
  }
});

test('a checkpoint with ids of another kind is told', () => {
  const store = new Store();
  store.run([[1, 2]]);
  assert.throws(() => store.run([['1', '2']]), {
    condition: 'RIVULET_GRAPH_ID',
    message: /are STRING, and its checkpoint has ids that are BIGINT/,
  });
});
