// Sessions in processes: threads in place of workers, a directory in place of the browser's storage.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { PKG } from '../../src/js/scripts/paths.mjs';

const home = mkdtempSync(join(tmpdir(), 'rivulet-process-'));
mkdirSync(join(home, 'node_modules'));
mkdirSync(join(home, 'tmp'));
symlinkSync(PKG, join(home, 'node_modules/rivulet'));
copyFileSync(new URL('./in_process/counting.mjs', import.meta.url), join(home, 'counting.mjs'));
after(() => rmSync(home, { recursive: true, force: true }));

/** A process that is written to and read line by line. */
class Child {
  errors = '';

  constructor(...args) {
    const env = { ...process.env, TMPDIR: join(home, 'tmp') };
    this.process = spawn(process.execPath, args, { cwd: home, env });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.process.stderr.on('data', (text) => {
      this.errors += text;
    });
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })));
  }

  /** The next line; fails with what the process complained of if it has ended. */
  async line() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, this.errors.slice(-2_000));
    return value;
  }

  write(line) {
    this.process.stdin.write(`${line}\n`);
  }
}

/** Runs a text as a module to its end: what it printed last, as JSON. */
async function run(text) {
  writeFileSync(join(home, 'main.mjs'), text);
  const child = new Child('main.mjs');
  const said = [];
  for await (const line of { [Symbol.asyncIterator]: () => child.lines }) said.push(line);
  const { code } = await child.ended;
  assert.equal(code, 0, child.errors.slice(-2_000));
  return JSON.parse(said.at(-1));
}

test('an executor that is killed in mid-query leaves a result unchanged', async () => {
  const { groups, lost } = await run(`
    import { functions as F, SparkSession } from 'rivulet/node';
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const lost = [];
    spark.status.onExecutor((event) => event.type === 'lost' && lost.push(event.executor));
    const running = new Promise((resolve) => {
      const stop = spark.status.watch(({ executors }) => {
        if (executors.some(({ runningTasks }) => runningTasks > 0)) { stop(); resolve(); }
      });
    });
    const result = spark.range(0, 40_000_000, 1, 8).groupBy(F.col('id').mod(10).alias('k')).agg(F.count('*').alias('n')).collect();
    await running;
    spark.status.killExecutor(1);
    const groups = (await result).map(({ k, n }) => [Number(k), Number(n)]).sort(([a], [b]) => a - b);
    await spark.stop();
    console.log(JSON.stringify({ groups, lost }));
  `);
  assert.deepEqual(
    groups,
    Array.from({ length: 10 }, (_, k) => [k, 4_000_000]),
  );
  assert.deepEqual(lost, [1]);
});

test('rows that were acknowledged are counted once, though the process is killed before it has worked on all of them', async () => {
  const state = join(home, 'state');
  const words = ['a', 'b', 'flush', 'a', 'c', 'a'];
  const first = new Child('counting.mjs', state);
  assert.equal(await first.line(), 'ready');
  for (const word of words) {
    first.write(word);
    assert.equal(await first.line(), `acknowledged ${word}`);
  }
  first.process.kill('SIGKILL');
  assert.equal((await first.ended).signal, 'SIGKILL');
  const second = new Child('counting.mjs', state);
  assert.equal(await second.line(), 'ready');
  for (const word of ['b', 'flush']) {
    second.write(word);
    assert.equal(await second.line(), `acknowledged ${word}`);
  }
  second.process.stdin.end();
  const counts = JSON.parse(await second.line());
  assert.deepEqual((await second.ended).code, 0, second.errors);
  // What the first batch had and no later one is not said again.
  assert.deepEqual(counts, { a: 3, b: 2, c: 1, flush: 2 });
});

test('a directory that another process uses is refused, with its number', async () => {
  const state = join(home, 'shared');
  const first = new Child('counting.mjs', state);
  assert.equal(await first.line(), 'ready');
  const second = new Child('counting.mjs', state);
  assert.notEqual((await second.ended).code, 0);
  assert.match(second.errors, new RegExp(`${state} is in use by process ${first.process.pid}: end it, or choose another`));
  first.process.stdin.end();
  assert.equal((await first.ended).code, 0, first.errors);
  const third = new Child('counting.mjs', state);
  assert.equal(await third.line(), 'ready');
  third.process.stdin.end();
  await third.ended;
});

test('without a directory of its own a process leaves nothing', async () => {
  const rows = await run(`
    import { SparkSession } from 'rivulet/node';
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const source = spark.readStream.push({ schema: 'n INT', format: 'json' });
    const query = await source.df.writeStream.format('memory').queryName('t').option('checkpointLocation', 'here').start();
    await source.write('{"n":1}');
    await query.processAllAvailable();
    await query.stop();
    console.log(JSON.stringify(await spark.table('t').collect()));
    await spark.stop();
  `);
  assert.deepEqual(rows, [{ n: 1 }]);
  assert.deepEqual(readdirSync(join(home, 'tmp')), []);
});

test('files, models and functions of modules are those of the process', async () => {
  writeFileSync(join(home, 'twice.mjs'), 'export const twice = (n) => 2 * n;\n');
  const found = await run(`
    import { SparkSession } from 'rivulet/node';
    import { HashingTF, NaiveBayes, Pipeline, PipelineModel, Tokenizer } from 'rivulet/ml';
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const lines = await spark.read.text(new Blob(['good fine\\nbad sad\\n'])).collect();
    const doubled = await spark.sparkContext.parallelize([1, 2, 3]).map({ module: './twice.mjs', export: 'twice' }).collect();
    const train = spark.createDataFrame([{ text: 'good fine', label: 1 }, { text: 'bad sad', label: 0 }]);
    const stages = [new Tokenizer({ inputCol: 'text', outputCol: 'words' }), new HashingTF({ inputCol: 'words', outputCol: 'features' }), new NaiveBayes()];
    const model = await new Pipeline({ stages }).fit(train);
    await model.save(spark, 'moods');
    const loaded = await PipelineModel.load(spark, 'moods');
    const predictions = await loaded.transform(train).select('prediction').collect();
    await spark.stop();
    console.log(JSON.stringify({ lines, doubled, predictions }));
  `);
  assert.deepEqual(found, {
    lines: [{ value: 'good fine' }, { value: 'bad sad' }],
    doubled: [2, 4, 6],
    predictions: [{ prediction: 1 }, { prediction: 0 }],
  });
});
