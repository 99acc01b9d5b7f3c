// Every public call of the client again and again, in one session: neither what the page has nor the engine's heap grows.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { examplesModule } from '../../src/js/scripts/checks/examples.mjs';
import { JS } from '../../src/js/scripts/paths.mjs';
import { browser } from './harness.mjs';

const { transform } = await import(pathToFileURL(join(JS, 'node_modules/esbuild/lib/main.js')).href);
const folder = mkdtempSync(join(tmpdir(), 'rivulet-leaks-'));
writeFileSync(join(folder, 'examples.js'), (await transform(examplesModule(), { loader: 'ts', target: 'es2022' })).code);
after(() => rmSync(folder, { recursive: true, force: true }));
const shared = browser({ mounts: { '/examples/': folder } });

/** Rounds before what is kept for good is there, and after. */
const [WARM_UP, ROUNDS] = [2, 2];
/** So many objects may be more after a round: of what a browser notes for itself, and not one for each of a thousand calls. */
const MOST_OBJECTS = 10;
/** So much larger may the engine's heaps be after a round of some hundred calls: they note what has ended, and grow in steps. */
const MOST_ENGINE_BYTES = 4 << 20;
/** Methods that are not called in a session that continues, with the reason. */
const NOT_CALLED = {
  'SparkSessionBuilder.appName': 'a name that nothing reads',
  'static StreamingContext.getActive': 'streams of a page of their own: dstream.test.mjs',
  'static StreamingContext.getOrCreate': 'the same',
  'static StreamingContext.getActiveOrCreate': 'the same',
  'StateSpec.initialState': 'the same',
  'StateSpec.numPartitions': 'the same',
  'StateSpec.partitioner': 'the same',
  'StateSpec.timeout': 'the same',
  'Graph.onlyEdges': 'for other parts of the package',
  'static Graph.ofNodes': 'for other parts of the package',
  'DataStreamReader.table': 'later',
  'DataStreamWriter.partitionBy': 'later',
  'DataStreamWriter.toTable': 'later',
};

/** Returns how many objects the page has when those that nobody has are gone. */
async function objectsOf(page, devtools) {
  for (let n = 0; n < 3; n++) {
    await devtools.send('HeapProfiler.collectGarbage');
    await page.evaluate(() => new Promise((go) => setTimeout(go)));
  }
  const { result: root } = await devtools.send('Runtime.evaluate', { expression: 'Object.prototype' });
  const { objects } = await devtools.send('Runtime.queryObjects', { prototypeObjectId: root.objectId });
  const { objectId } = objects;
  const { result } = await devtools.send('Runtime.callFunctionOn', {
    objectId,
    functionDeclaration: 'function () { return this.length; }',
    returnByValue: true,
  });
  await devtools.send('Runtime.releaseObject', { objectId });
  return result.value;
}

test('every public call again and again leaves nothing behind', async (t) => {
  const page = await shared.open();
  const devtools = await page.context().newCDPSession(page);
  const missed = await page.evaluate(async () => {
    const [rivulet, graph, { everyCall }, { examples, surroundings }] = await Promise.all([
      import('rivulet'),
      import('rivulet/graph'),
      import('/tests/every_call.js'),
      import('/examples/examples.js'),
    ]);
    const called = new Set();
    const all = [];
    // What a class of the package has, counted when it is called. Stages of pipelines have hundreds of setters of one kind: their
    // examples train, predict, save and load.
    for (const [name, value] of [...Object.entries(rivulet), ...Object.entries(graph)]) {
      if (typeof value !== 'function' || value.prototype === undefined) continue;
      for (const [target, label] of [
        [value.prototype, name],
        [value, `static ${name}`],
      ])
        for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(target))) {
          if (key === 'constructor' || key.startsWith('_') || typeof descriptor.value !== 'function' || !descriptor.writable) continue;
          const id = `${label}.${key}`;
          all.push(id);
          const f = descriptor.value;
          target[key] = function (...args) {
            called.add(id);
            return f.apply(this, args);
          };
        }
    }
    const spark = await rivulet.SparkSession.builder.master('local[2]').getOrCreate();
    window.spark = spark;
    const around = { ...surroundings(spark), ...rivulet, F: rivulet.functions, windows: rivulet.Window, graph };
    window.round = async () => {
      const failed = [];
      const check = (actual) => JSON.stringify(actual, (_, v) => (typeof v === 'bigint' ? Number(v) : v));
      for (const { run, where, example } of examples)
        if (run) await example({ ...surroundings(spark), check }).catch((error) => failed.push(`${where}: ${error.message}`));
      await everyCall(around);
      return failed;
    };
    return window.round().then((failed) => ({ failed, never: all.filter((id) => !called.has(id)) }));
  });
  assert.deepEqual(missed.failed, []);
  const isStage = (id) => /Streaming(KMeans|NaiveBayes|L\w+RegressionWithSGD)/.test(id);
  assert.deepEqual(
    missed.never.filter((id) => !NOT_CALLED[id] && !isStage(id)),
    [],
  );
  const counts = [];
  for (let n = 1; n <= WARM_UP + ROUNDS; n++) {
    assert.deepEqual(await page.evaluate(() => window.round()), []);
    const objects = await objectsOf(page, devtools);
    const engine = await page.evaluate(async () => Object.values(await window.spark.status.heapBytes()).reduce((a, b) => a + b, 0));
    t.diagnostic(`round ${n}: ${objects} objects on the page, ${(engine / 1e6).toFixed(1)} MB of the engine`);
    if (n >= WARM_UP) counts.push({ objects, engine });
  }
  const [first, last] = [counts[0], counts.at(-1)];
  assert.ok(last.objects - first.objects < MOST_OBJECTS * ROUNDS, `${first.objects} → ${last.objects} objects on the page`);
  assert.ok(last.engine - first.engine < MOST_ENGINE_BYTES * ROUNDS, `${first.engine} → ${last.engine} bytes of the engine`);
  await page.evaluate(() => window.spark.stop());
  await page.close();
});
