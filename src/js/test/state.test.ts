// Functions over groups as an executor runs them, beside an engine that keeps entries in a plain list.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as A from '@uwdata/flechette';
import { Programs } from '../src/functions/programs.js';
import { framed } from '../src/rdd/framing.js';
import { encode } from '../src/rdd/value_codec.js';
import type { GroupFunctionPlan } from '../src/state/group_plan.js';
import { durationMs, type GroupState } from '../src/state/group_state.js';
import type { StatefulProcessor, StatefulProcessorHandle } from '../src/state/processor.js';
import { parseSchema } from '../src/values/ddl.js';
import { encodeRows } from '../src/values/encode.js';
import { type Row, rowsFromIPC } from '../src/values/rows.js';

interface Kept {
  group: string;
  variable: string;
  entry: Uint8Array;
  value: Uint8Array | null;
  expires: number | null;
}

/** What the engine does around a function: groups by `k`, keeps entries, finds what is due. */
class Engine {
  kept: Kept[] = [];
  #programs = new Programs((text) => import(`data:text/javascript,${encodeURIComponent(text)}`));
  #loaded: Promise<void> | undefined;
  #batch = 0;

  constructor(
    private readonly plan: Omit<GroupFunctionPlan, 'call' | 'functions' | 'bigint'>,
    f: unknown,
    bound?: object,
  ) {
    const whole: GroupFunctionPlan = {
      ...plan,
      bigint: false,
      functions: [{ source: String(f) }],
      call: bound ? { f: 0, bound: 0 } : { f: 0 },
    };
    this.#programs.loadFunction(1, 0, framed([new TextEncoder().encode(JSON.stringify(whole)), ...(bound ? [encode([bound])] : [])]));
    this.#loaded = this.#programs.loading;
  }

  async run(rows: { k: string; v: number }[], { timeMs = 0, watermarkMs = null as number | null } = {}): Promise<Row[]> {
    await this.#loaded;
    const threshold = this.plan.time.startsWith('Processing') ? timeMs : (watermarkMs ?? -Infinity);
    const due = this.kept.filter((e) => e.expires !== null && e.expires <= threshold).map((e) => e.group);
    const groups = [...new Set([...rows.map((row) => row.k), ...due])].sort();
    const state = groups.map((k) => this.kept.filter((e) => e.group === k));
    const own = groups.map((k) => rows.filter((row) => row.k === k));
    const flat = state.flat();
    const table = A.tableFromColumns(
      Object.entries({
        variable: A.columnFromValues(
          flat.map((e) => e.variable),
          A.utf8(),
        ),
        entry: A.columnFromValues(
          flat.map((e) => e.entry),
          A.binary(),
        ),
        value: A.columnFromValues(
          flat.map((e) => e.value),
          A.binary(),
        ),
        expires: A.columnFromValues(
          flat.map((e) => e.expires),
          A.timestamp(A.TimeUnit.MICROSECOND),
        ),
      }),
    );
    const header = {
      rowCounts: own.map((r) => r.length),
      stateCounts: state.map((s) => s.length),
      timeMs,
      watermarkMs,
      batchId: this.#batch++,
    };
    const [out, changes] = this.#programs.callGroups(1, 0, header, [
      encodeRows(
        groups.map((k) => ({ k })),
        parseSchema('k STRING'),
      ),
      encodeRows(own.flat(), parseSchema('k STRING, v DOUBLE')),
      A.tableToIPC(table, { format: 'stream' })!,
    ]);
    for (const change of changes ? (A.tableFromIPC(changes).toArray() as Row[]) : []) {
      const group = groups[change['#group'] as number]!;
      const same = (e: Kept) => e.group === group && e.variable === change['#variable'] && String(e.entry) === String(change['#entry']);
      this.kept = this.kept.filter((e) => !same(e));
      if (change['#removed']) continue;
      this.kept.push({
        group,
        variable: change['#variable'],
        entry: change['#entry'],
        value: change['#value'],
        expires: change['#expires'],
      });
    }
    return out ? rowsFromIPC(out, { bigint: false }) : [];
  }
}

/** A row of the input; a key has only k. */
type In = { k: string; v: number };

const one = (k: string, v: number) => ({ k, v });

test('a group state lives from batch to batch, and is forgotten when removed', async () => {
  const engine = new Engine(
    { kind: 'flatMapGroupsWithState', output: 'k STRING, n BIGINT', time: 'NoTimeout' },
    function* count(key: In, rows: In[], state: GroupState<{ n: number }>, bound: { end: number }) {
      const n = (state.exists ? state.get().n : 0) + rows.length;
      if (n >= bound.end) state.remove();
      else state.update({ n });
      yield { k: key.k, n };
    },
    { end: 4 },
  );
  assert.deepEqual(await engine.run([one('a', 1), one('b', 1), one('a', 2)]), [
    { k: 'a', n: 2 },
    { k: 'b', n: 1 },
  ]);
  assert.deepEqual(await engine.run([one('a', 1)]), [{ k: 'a', n: 3 }]);
  assert.deepEqual(await engine.run([one('a', 1)]), [{ k: 'a', n: 4 }]);
  assert.deepEqual(
    engine.kept.map((e) => e.group),
    ['b'],
  );
  assert.deepEqual(await engine.run([one('a', 1)]), [{ k: 'a', n: 1 }]);
});

test('timeouts come once, after the data, and begin anew with data', async () => {
  const last = (key: In, rows: In[], state: GroupState<number>) => {
    if (state.hasTimedOut) {
      const sum = state.get();
      state.remove();
      return [{ k: key.k, sum, out: true }];
    }
    state.update((state.getOption() ?? 0) + rows.reduce((sum, row) => sum + row.v, 0));
    state.setTimeoutDuration('1 second 500 milliseconds');
    return [];
  };
  const engine = new Engine(
    { kind: 'flatMapGroupsWithState', output: 'k STRING, sum DOUBLE, out BOOLEAN', time: 'ProcessingTimeTimeout' },
    last,
  );
  assert.deepEqual(await engine.run([one('a', 1), one('b', 2)], { timeMs: 1_000 }), []);
  assert.deepEqual(await engine.run([one('a', 10)], { timeMs: 2_500 }), [], 'a timeout is before the time, not at it; data moves it');
  assert.deepEqual(await engine.run([], { timeMs: 2_501 }), [{ k: 'b', sum: 2, out: true }]);
  assert.deepEqual(await engine.run([], { timeMs: 4_000 }), []);
  assert.deepEqual(await engine.run([], { timeMs: 4_001 }), [{ k: 'a', sum: 11, out: true }]);
  assert.deepEqual(engine.kept, []);
});

test('a timeout of event time stands without a state, and a group may be called again for it', async () => {
  const engine = new Engine(
    { kind: 'flatMapGroupsWithState', output: 'k STRING, late BIGINT', time: 'EventTimeTimeout' },
    (key: In, rows: In[], state: GroupState) => {
      if (!state.hasTimedOut) state.setTimeoutTimestamp(new Date(rows[0]!.v), '5 milliseconds');
      return state.hasTimedOut ? [{ k: key.k, late: state.getCurrentWatermarkMs() }] : [];
    },
  );
  await engine.run([one('a', 100)], { watermarkMs: 0 });
  assert.deepEqual(await engine.run([], { watermarkMs: 105 }), []);
  assert.deepEqual(await engine.run([], { watermarkMs: 106 }), [{ k: 'a', late: 106 }]);
  assert.deepEqual(engine.kept, []);
  await assert.rejects(
    engine.run([one('b', 3)], { watermarkMs: 200 }),
    /Timeout timestamp \(8\) cannot be earlier than the current watermark \(200\).*group \{ ?"?k"?: ?"b"/,
  );
});

test('values, lists, maps, their time to live, and timers', async () => {
  class Session implements StatefulProcessor {
    sum: any;
    log: any;
    seen: any;
    handle!: StatefulProcessorHandle;
    init(handle: StatefulProcessorHandle) {
      this.handle = handle;
      this.sum = handle.getValueState('sum');
      this.log = handle.getListState('log', { ttlDuration: '10 milliseconds' });
      this.seen = handle.getMapState('seen');
    }
    handleInputRows(key: In, rows: In[], times: any) {
      for (const { v } of rows) {
        this.sum.update((this.sum.get() ?? 0) + v);
        this.log.appendValue(v);
        this.seen.updateValue(v, (this.seen.getValue(v) ?? 0) + 1);
      }
      this.handle.registerTimer(times.getCurrentProcessingTimeInMs() + 100);
      return [
        {
          k: key.k,
          sum: this.sum.get(),
          log: this.log.get().join(),
          seen: [...this.seen.iterator()].sort().join(' '),
          timers: this.handle.listTimers().join(),
        },
      ];
    }
    handleExpiredTimer(key: In, _: any, info: any) {
      const row = {
        k: key.k,
        sum: this.sum.get(),
        log: this.log.get().join(),
        seen: [...this.seen.keys()].sort().join(),
        timers: `at ${info.getExpiryTimeInMs()}`,
      };
      if (this.handle.listTimers().length === 1) {
        this.sum.clear();
        this.seen.clear();
      }
      return [row];
    }
  }
  const engine = new Engine(
    { kind: 'transformWithState', output: 'k STRING, sum DOUBLE, log STRING, seen STRING, timers STRING', time: 'ProcessingTime' },
    Session,
  );
  assert.deepEqual(await engine.run([one('a', 1), one('a', 2)], { timeMs: 1_000 }), [
    { k: 'a', sum: 3, log: '1,2', seen: '1,1 2,1', timers: '1100' },
  ]);
  assert.equal(engine.kept.length, 6, 'an entry a value, element, map entry and timer');
  assert.deepEqual(await engine.run([one('a', 2)], { timeMs: 1_005 }), [
    { k: 'a', sum: 5, log: '1,2,2', seen: '1,1 2,2', timers: '1100,1105' },
  ]);
  assert.deepEqual(await engine.run([one('a', 4)], { timeMs: 1_012 }), [
    { k: 'a', sum: 9, log: '2,4', seen: '1,1 2,2 4,1', timers: '1100,1105,1112' },
  ]);
  assert.deepEqual(await engine.run([], { timeMs: 1_106 }), [
    { k: 'a', sum: 9, log: '', seen: '1,2,4', timers: 'at 1100' },
    { k: 'a', sum: 9, log: '', seen: '1,2,4', timers: 'at 1105' },
  ]);
  assert.deepEqual(await engine.run([], { timeMs: 1_112 }), [{ k: 'a', sum: 9, log: '', seen: '1,2,4', timers: 'at 1112' }]);
  assert.deepEqual(engine.kept, []);
});

test('lists and maps equal plain ones over random changes', async () => {
  class Mirror implements StatefulProcessor {
    list: any;
    map: any;
    init(handle: StatefulProcessorHandle) {
      this.list = handle.getListState('list');
      this.map = handle.getMapState('map');
    }
    handleInputRows(key: In, rows: In[]) {
      for (const { v } of rows) {
        if (v % 7 === 0) this.list.put([v, -v]);
        else if (v % 11 === 0) this.map.clear();
        else if (v % 2 === 0) this.list.appendList([v, { v }]);
        else if (v % 3 === 0) this.map.removeKey(v % 5);
        else this.map.updateValue(v % 5, [v]);
      }
      return [{ k: key.k, all: JSON.stringify([this.list.get(), [...this.map.iterator()].sort(([a], [b]) => a - b)]) }];
    }
  }
  const engine = new Engine({ kind: 'transformWithState', output: 'k STRING, all STRING', time: 'None' }, Mirror);
  const model = new Map<string, { list: unknown[]; map: Map<number, number[]> }>();
  let seed = 7;
  const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  for (let batch = 0; batch < 60; batch++) {
    const rows = Array.from({ length: 1 + random(6) }, () => one('abc'[random(3)]!, random(100)));
    for (const { k, v } of rows) {
      const own = model.get(k) ?? { list: [], map: new Map<number, number[]>() };
      model.set(k, own);
      if (v % 7 === 0) own.list = [v, -v];
      else if (v % 11 === 0) own.map.clear();
      else if (v % 2 === 0) own.list.push(v, { v });
      else if (v % 3 === 0) own.map.delete(v % 5);
      else own.map.set(v % 5, [v]);
    }
    const expected = [...new Set(rows.map((row) => row.k))].sort().map((k) => {
      const { list, map } = model.get(k)!;
      return { k, all: JSON.stringify([list, [...map].sort(([a], [b]) => a - b)]) };
    });
    assert.deepEqual(await engine.run(rows), expected, `batch ${batch}`);
  }
});

test('misuse is told with the step and the key', async () => {
  const run = (f: unknown, kind: GroupFunctionPlan['kind'] = 'flatMapGroupsWithState', time: GroupFunctionPlan['time'] = 'NoTimeout') =>
    new Engine({ kind, output: 'k STRING', time }, f).run([one('a', 1)]);
  await assert.rejects(
    run(() => 7),
    /flatMapGroupsWithState must return its rows as an array or another iterable, got number.*group/,
  );
  await assert.rejects(
    run((_: In, __: In[], state: GroupState) => [{ k: state.get() }]),
    /State is either not defined or has already been removed/,
  );
  await assert.rejects(
    run((_: In, __: In[], state: GroupState) => {
      state.update(null);
      return [];
    }),
    /'null' is not a valid state value/,
  );
  await assert.rejects(
    run((_: In, __: In[], state: GroupState) => {
      state.setTimeoutDuration(1);
      return [];
    }),
    /without enabling processing time timeout/,
  );
  await assert.rejects(
    run((_: In, __: In[], state: GroupState) => {
      state.getCurrentWatermarkMs();
      return [];
    }),
    /without setting watermark/,
  );
  await assert.rejects(
    run(() => [{ k: nowhere } as Row]),
    /nowhere is not defined.*pass nowhere as a value bound to it/,
  );
  const processor = (init: string) =>
    run(`class { init(handle) { ${init} } handleInputRows() { return []; } }`, 'transformWithState', 'None');
  await assert.rejects(processor('handle.getValueState("n"); handle.getListState("n")'), /name n has already been defined/);
  await assert.rejects(processor('handle.getValueState("n", { ttlDuration: 5 })'), /Cannot use TTL for state=n in timeMode=None/);
  await assert.rejects(processor('handle.registerTimer(1)'), /timer operations with timeMode=None/);
  await assert.rejects(processor('handle.getValueState("n").get()'), /only while a key is handled/);
  assert.throws(() => durationMs('5 parsecs'), /5 parsecs/);
  assert.equal(durationMs('1 hour 2 minutes'), 3_720_000);
});

declare const nowhere: string;
