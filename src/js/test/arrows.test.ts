// The house of src/: floors from the ground up. An import goes down or stays on its floor, whether of values or of types; so no
// circle joins two floors. A new room is a line here.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const SOURCE = 'src/js/src';

/** Floors, lowest first; a file is on the first floor that has a pattern for it: a folder (`x/`) or a file. */
const FLOORS: readonly (readonly string[])[] = [
  [
    'protocol.ts',
    'version.ts',
    'clock.ts',
    'load_module.ts',
    'uuid.ts',
    'needs.ts',
    'generated/spark/',
    'generated/remote/',
    'generated/table.ts',
  ],
  ['errors.ts'],
  ['values/'],
  ['cluster/'],
  ['connect/'],
  ['files/'],
  // The driver that is a Spark cluster.
  ['remote/'],
  // What travels between the page and the executors.
  ['rdd/job_plan.ts', 'rdd/value_codec.ts', 'rdd/framing.ts'],
  // What the executors do with it.
  ['rdd/task/'],
  ['state/'],
  ['functions/'],
  ['worker/'],
  // The page's half.
  ['rdd/'],
  ['batches/'],
  ['dstream/'],
  ['sql/', 'generated/functions.ts'],
  ['ml/'],
  ['ml.ts', 'dstream.ts'],
  // An entry of its own over datasets.
  ['graph/', 'graph.ts'],
  ['api.ts', 'beside.ts'],
  // Descriptions of other systems' clients.
  ['sources/', 'sources.ts'],
  // What browsers have, in a process.
  ['node/'],
  ['index.ts', 'inline.ts', 'cdn.ts', 'node.ts', 'flume.ts', 'react.ts'],
];
/** Nobody imports the worker: the build bundles it by itself. */
const CLOSED = new Set(['worker/']);

interface Arrow {
  from: string;
  to: string;
}

const floorOf = (file: string): number =>
  FLOORS.findIndex((patterns) => patterns.some((p) => (p.endsWith('/') ? file.startsWith(p) : file === p)));

/** The imports and exports from files of src/, with their types. */
function arrowsOf(file: string, text: string): Arrow[] {
  const found = text.matchAll(/^(?:import|export)\b[^'";]*?\bfrom\s+'(\.[^']+)'|\bimport\('(\.[^']+)'\)|^import '(\.[^']+)'/gm);
  return [...found].map(([, from, dynamic, bare]) => ({
    from: file,
    to: join(dirname(file), (from ?? dynamic ?? bare)!).replace(/\.js$/, '.ts'),
  }));
}

/** What is wrong with arrows, in words. */
function faults(arrows: readonly Arrow[]): string[] {
  return arrows.flatMap(({ from, to }) => {
    const [start, end] = [floorOf(from), floorOf(to)];
    if (end < 0) return [`${from} imports ${to}, which is on no floor`];
    if (end > start) return [`${from} imports ${to}, which is above it`];
    const closed = FLOORS[end]!.find((pattern) => CLOSED.has(pattern));
    return closed && start !== end ? [`${from} imports ${to}, out of ${closed}, which is for nobody`] : [];
  });
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .sort();

test('every file is on a floor', () => {
  assert.deepEqual(
    files.filter((file) => floorOf(file) < 0),
    [],
  );
  assert.ok(files.length > 100, 'the sources were found');
});

test('every import runs down', () => {
  assert.deepEqual(
    files.flatMap((file) => faults(arrowsOf(file, readFileSync(join(SOURCE, file), 'utf8')))),
    [],
  );
});

test('an import that runs up is found, of types and of values, alone or after others', () => {
  const planted = arrowsOf(
    'values/rows.ts',
    "import { a } from './types.js';\nimport type {\n  Column,\n} from '../sql/column.js';\nexport { b } from '../rdd/rdd.js';\n",
  );
  assert.deepEqual(faults(planted), [
    'values/rows.ts imports sql/column.ts, which is above it',
    'values/rows.ts imports rdd/rdd.ts, which is above it',
  ]);
  assert.deepEqual(faults([{ from: 'sql/session.ts', to: 'worker/main.ts' }]), [
    'sql/session.ts imports worker/main.ts, out of worker/, which is for nobody',
  ]);
});
