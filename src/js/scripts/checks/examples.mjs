// The examples of the documentation, as a module that checks them: every ```ts block in a doc comment, in README.md, in the guide and on the first page.
//
// An example sees `spark` (a session), `sc` (its SparkContext), `F` (the functions) and `people`, a table of three. A statement that
// ends with `// → value`, or is followed by a line of that, has that value. A block that begins with ```ts no-run is compiled only.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { JS, ROOT } from '../paths.mjs';

/** Returns `{ where, code, run }` for each example. */
export function examples() {
  const sources = readdirSync(join(JS, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('generated'),
  );
  const found = sources.sort().flatMap((name) => {
    const text = readFileSync(join(JS, 'src', name), 'utf8');
    return [...text.matchAll(/^ *\/\*\*[\s\S]*?\*\//gm)].flatMap(({ 0: comment, index }) => {
      const next = text
        .slice(index + comment.length)
        .trimStart()
        .split('\n')[0]
        .replace(/[({=].*/, '')
        .trim();
      return blocks(comment.replace(/^ *\* ?/gm, ''), `${name}: ${next}`);
    });
  });
  const pages = [join(JS, 'README.md'), ...sitePages()].map((file) => blocks(readFileSync(file, 'utf8'), relative(ROOT, file)));
  return [...found, ...pages.flat()];
}

/** Files of the site that are Markdown. */
export function sitePages() {
  const www = join(ROOT, 'www');
  return readdirSync(www, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => join(www, name));
}

function blocks(text, where) {
  const all = [...text.matchAll(/^```ts( no-run)?\n([\s\S]*?)^```/gm)];
  return all.map(([, noRun, code], i) => ({ where: all.length > 1 ? `${where} (${i + 1})` : where, code, run: !noRun }));
}

/** Replaces `statement; // → value` by a check of it. */
function checked(code) {
  const out = [];
  let statement = [];
  for (const line of code.split('\n')) {
    const [, own, expected] = /^(.*?)(?: *\/\/ → (.*))?$/.exec(line);
    // A value on a line of its own is that of the statement before.
    if (expected !== undefined && own === '' && statement.length === 0) statement.push(out.pop());
    else statement.push(own);
    const whole = statement.join('\n');
    if (expected !== undefined) {
      const name = /^\s*const (\w+) =/.exec(whole)?.[1];
      const value = name ?? `(${whole.trim().replace(/;$/, '')})`;
      out.push(...(name ? [whole] : []), `check(${value}, ${expected});`);
      statement = [];
    } else if (/[;}]\s*(\/\/.*)?$/.test(own) && isBalanced(whole)) {
      out.push(whole);
      statement = [];
    }
  }
  return [...out, statement.join('\n')].join('\n');
}

function isBalanced(code) {
  let depth = 0;
  for (const character of code.replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/.*/g, '')) {
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
  }
  return depth === 0;
}

/** The TypeScript of a module that exports the examples: `{ where, run, example }`. */
export function examplesModule() {
  const entries = examples().map(({ where, code, run }) => {
    const body = checked(code.replace(/^import \{[^}]*\} from 'rivulet(?:\/graph)?';\n/gm, ''));
    return `{ where: ${JSON.stringify(where)}, run: ${run}, example: async ({ spark, sc, people, check }: Surroundings) => { {\n${body}\n} } },`;
  });
  return `import {
  AnalysisException, ArrayType, col, type DataFrame, DoubleType, functions as F, HashPartitioner, IntegerType, lit, ManualClock, ml, parseSchema,
  type RDD, type Row, SparkError, SparkSession, type SparkContext, type StatefulProcessor, type StatefulProcessorHandle, StateSpec, StreamingContext,
  StringType, StructField, StructType, type ValueState, Window, WorkerLoadError,
} from 'rivulet';
import { EdgeDirection, Graph, GraphFrame, GraphGenerators, GraphLoader, graphStream, PartitionStrategy, TripletFields } from 'rivulet/graph';

interface Surroundings { spark: SparkSession; sc: SparkContext; people: DataFrame; check(actual: unknown, expected: unknown): void }

export const surroundings = (spark: SparkSession) => ({
  spark, sc: spark.sparkContext,
  people: spark.createDataFrame([{ name: 'Ada', team: 'a', age: 36 }, { name: 'Bob', team: 'b', age: 41 }, { name: 'Cleo', team: 'a', age: 29 }]),
});

export const examples: { where: string; run: boolean; example(surroundings: Surroundings): Promise<unknown> }[] = [
${entries.join('\n')}
];
`;
}
