// The start of a session: its progress, its end by a signal, and callers that ask at once.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { browser, CHROMIUM_ONLY, inPage, PKG } from './harness.mjs';

const ENGINE = '/pkg/dist/engine_bg.wasm';
/** The chunk that sessions load while they start, as the client names it. */
const [PART] = readdirSync(join(PKG, 'dist')).flatMap((name) => {
  const [, chunk] =
    (name.endsWith('.js') && /"sessions",import\("\.\/([^"]+)"\)/.exec(readFileSync(join(PKG, 'dist', name), 'utf8'))) || [];
  return chunk ? [`/pkg/dist/${chunk}`] : [];
});
let isPartMissing = false;
/** Whether nobody answers who asks for it. */
let isPartHeld = false;
/** Answers of the engine that wait for a word. */
const held = [];
let isHeld = false;
const shared = browser({
  answer: (path, response) => {
    if (path === PART && isPartMissing) {
      response.writeHead(404).end();
      return true;
    }
    if (path === PART && isPartHeld) return true;
    if (path !== ENGINE || !isHeld) return false;
    held.push(response);
    return true;
  },
});

test('a start reports its bytes, percent and stages', async () => {
  const seen = await inPage(shared, async () => {
    const { SparkSession } = await import('rivulet');
    const seen = [];
    const spark = await SparkSession.builder.master('local[1]').getOrCreate({ onProgress: (progress) => seen.push(progress) });
    // A session that runs already has no start.
    await SparkSession.builder.getOrCreate({ onProgress: () => seen.push('again') });
    await spark.stop();
    return seen;
  });
  const bytes = statSync(join(PKG, 'dist/engine_bg.wasm')).size;
  assert.deepEqual([...new Set(seen.map(({ stage }) => stage))], ['download', 'compile', 'workers', 'ready']);
  assert.deepEqual(seen[0], { stage: 'download', loadedBytes: 0, totalBytes: bytes, percent: 0 });
  assert.deepEqual(seen.at(-1), { stage: 'ready', loadedBytes: bytes, totalBytes: bytes, percent: 100 });
  const loaded = seen.map(({ loadedBytes }) => loadedBytes);
  assert.deepEqual(
    loaded,
    loaded.toSorted((a, b) => a - b),
  );
  assert.ok(new Set(seen.map(({ percent }) => percent)).size > 5, 'it comes in pieces');
});

test('a page whose host lacks the part for sessions learns so, and keeps no worker', async () => {
  isPartMissing = true;
  const page = await shared.open();
  try {
    const error = await page.evaluate(async () => {
      const { SparkSession, WorkerLoadError } = await import('rivulet');
      const error = await SparkSession.builder
        .master('local[1]')
        .getOrCreate()
        .catch((error) => error);
      return { isTyped: error instanceof WorkerLoadError, message: error.message };
    });
    assert.equal(error.isTyped, true);
    assert.match(error.message, /The part for sessions could not be loaded.*a chunk of the bundle.*serve all of them/s);
    // They end by themselves, or are ended after a while.
    for (let ms = 0; page.workers().length > 0 && ms < 5_000; ms += 100) await page.waitForTimeout(100);
    assert.equal(page.workers().length, 0);
  } finally {
    isPartMissing = false;
    await page.close();
  }
});

test('a signal ends a start whose part for sessions never comes', async () => {
  isPartHeld = true;
  const page = await shared.open();
  try {
    const message = await page.evaluate(async () => {
      const { SparkSession } = await import('rivulet');
      const controller = new AbortController();
      const onProgress = ({ stage }) => {
        if (stage === 'ready') setTimeout(() => controller.abort(new Error('enough')));
      };
      return SparkSession.builder
        .master('local[1]')
        .create({ signal: controller.signal, onProgress })
        .catch(({ message }) => message);
    });
    assert.equal(message, 'enough');
  } finally {
    isPartHeld = false;
    await page.close();
  }
});

test('the engine of rivulet/inline is there already: its start reports that, too', async () => {
  const seen = await inPage(shared, async () => {
    const { SparkSession } = await import('/pkg/dist/inline.js');
    const seen = [];
    const spark = await SparkSession.builder
      .master('local[1]')
      .create({ onProgress: ({ stage, percent }) => seen.push(`${stage} ${percent}`) });
    await spark.stop();
    return seen;
  });
  assert.deepEqual(seen, ['compile undefined', 'workers undefined', 'ready undefined']);
});

test('a bundler whose URLs are relative finds the engine, and the script of functions', async () => {
  const sum = await inPage(shared, async () => {
    const { SparkSession, _parts } = await import('rivulet');
    // As Turbopack's are.
    class RelativeURL extends URL {
      get href() {
        return super.pathname;
      }
    }
    _parts.wasm = () => new RelativeURL('/pkg/dist/engine_bg.wasm', location.href);
    _parts.functions = () => new RelativeURL('/pkg/dist/functions.js', location.href).href;
    const spark = await SparkSession.builder.master('local[1]').create();
    const sum = await spark.sparkContext
      .parallelize([1, 2], 1)
      .map((x) => 10 * x)
      .reduce((a, b) => a + b);
    await spark.stop();
    return sum;
  });
  assert.equal(sum, 30);
});

test('a function that fails on progress does not fail the start', async () => {
  const page = await shared.open();
  const count = await page.evaluate(async () => {
    const { SparkSession } = await import('rivulet');
    const onProgress = () => {
      throw new Error('a fault of the page');
    };
    const spark = await SparkSession.builder.master('local[1]').create({ onProgress });
    const count = await spark.range(2).count();
    await spark.stop();
    return count;
  });
  assert.equal(count, 2);
  assert.ok(page.said.includes('pageerror: a fault of the page'));
  await page.close();
});

test(
  'a signal ends a start at once: its reason is the error, no worker stays, and the next start is a new one',
  CHROMIUM_ONLY,
  async () => {
    isHeld = true;
    const page = await shared.open();
    const reasons = await page.evaluate(async () => {
      const { SparkSession } = await import('rivulet');
      const reasons = [];
      for (const when of ['before', 'during']) {
        const controller = new AbortController();
        if (when === 'before') controller.abort(new Error(when));
        const started = SparkSession.builder.master('local[2]').getOrCreate({ signal: controller.signal });
        controller.abort(new Error(when));
        reasons.push(await started.catch(({ message }) => message));
      }
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      reasons.push(
        await SparkSession.builder
          .master('local[2]')
          .create({ signal: controller.signal, onProgress })
          .catch(({ name }) => name),
      );
      return reasons;
    });
    assert.deepEqual(reasons, ['before', 'during', 'AbortError']);
    isHeld = false;
    for (const response of held.splice(0)) response.destroy();
    const count = await page.evaluate(async () => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[1]').getOrCreate();
      return spark.range(4).count();
    });
    assert.equal(count, 4);
    assert.equal(page.workers().length, 2, 'those of the session that runs');
    await page.close();
  },
);

test(
  'callers at once have one session; one that leaves does not end the start for the others, and a start that fails does not stay',
  CHROMIUM_ONLY,
  async () => {
    const page = await shared.open();
    const { same, left, failed, later } = await page.evaluate(async () => {
      const { SparkSession } = await import('rivulet');
      const builder = () => SparkSession.builder.master('local[1]');
      const bad = () =>
        builder()
          .assets({ wasmUrl: '/nowhere.wasm' })
          .getOrCreate()
          .catch(({ reason }) => reason);
      const failed = await Promise.all([bad(), bad()]);
      const controller = new AbortController();
      const first = builder().getOrCreate();
      const leaving = builder().getOrCreate({ signal: controller.signal });
      const third = builder().getOrCreate();
      controller.abort(new Error('left'));
      const left = await leaving.catch(({ message }) => message);
      const [one, other] = await Promise.all([first, third]);
      await one.stop();
      const [a, b] = await Promise.all([builder().getOrCreate(), builder().getOrCreate()]);
      return { same: one === other, left, failed, later: a === b && a !== one };
    });
    assert.deepEqual({ same, left, failed, later }, { same: true, left: 'left', failed: ['missing', 'missing'], later: true });
    assert.equal(page.workers().length, 2);
    await page.close();
  },
);
