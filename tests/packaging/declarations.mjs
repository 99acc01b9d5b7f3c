// What tools that look at packages say: compilers under every way to find modules, publint, are-the-types-wrong.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, project, run, tarball } from './projects.mjs';

const PROGRAM = `import { SparkSession, functions as F, WorkerLoadError, type Row } from 'rivulet';
import { SparkSession as Inlined } from 'rivulet/inline';
import { SparkSession as Elsewhere } from 'rivulet/cdn';
import { NaiveBayes } from 'rivulet/ml';
import { StreamingContext } from 'rivulet/dstream';
import { FlumeUtils } from 'rivulet/flume';
import { mqttSource } from 'rivulet/sources';
import { useSession } from 'rivulet/react';

export async function page(signal: AbortSignal): Promise<Row[]> {
  const spark = await SparkSession.builder.getOrCreate({ signal, onProgress: ({ percent }) => console.log(percent ?? 0) });
  const same: typeof SparkSession = Math.random() < 0.5 ? Inlined : Elsewhere;
  new StreamingContext(spark.sparkContext, 1_000);
  console.log(same, new NaiveBayes(), FlumeUtils, mqttSource, useSession, WorkerLoadError);
  return spark.range(3).filter(F.col('id').gt(1)).collect();
}
`;

/** How TypeScript finds modules, with what each needs beside it. */
const RESOLUTIONS = [
  ['bundler', { module: 'ESNext' }],
  ['node16', { module: 'Node16' }],
  ['nodenext', { module: 'NodeNext' }],
  ['node10', { module: 'ESNext', ignoreDeprecations: '5.0' }],
];

function compile(tool, moduleResolution, more) {
  const root = project(tool, { files: { 'page.ts': PROGRAM } });
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: 'ES2022',
    lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    types: [],
    moduleResolution,
    ...more,
  };
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['page.ts'] }));
  run(root, bin(tool, 'tsc'), ['-p', '.']);
}

/** TypeScript 7 has no node10: that it says so is its own affair. */
const has = (tool, resolution) => !(tool === 'typescript7' && resolution === 'node10');

const compilers = ['typescript5', 'typescript7'].flatMap((tool) =>
  RESOLUTIONS.filter(([resolution]) => has(tool, resolution)).map(([resolution, more]) => [
    tool,
    `strict, ${resolution}`,
    () => compile(tool, resolution, more),
  ]),
);

/** The entries that are scripts and files by themselves, and have no types. */
const UNTYPED = ['./worker', './functions', './engine_bg.wasm', './engine_rest.wasm'];

/** Tool, what is looked at, and what throws where something is wrong. */
export const DECLARATIONS = [
  ...compilers,
  [
    'checks',
    'publint',
    () => {
      const root = project('checks');
      run(root, bin('checks', 'publint'), ['run', '--strict', '--level', 'warning', tarball()]);
    },
  ],
  [
    'checks',
    'are the types wrong',
    () => {
      const root = project('checks');
      run(root, bin('checks', 'attw'), [tarball(), '--profile', 'esm-only', '--exclude-entrypoints', ...UNTYPED]);
    },
  ],
];
