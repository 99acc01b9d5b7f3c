// The matrix: the packed tarball in every bundler, framework, host and compiler, as a table.
//   node tests/packaging/run.mjs [--quick] [WORD…]   only the cases whose tool or title has one of the words
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG } from '../../src/js/scripts/paths.mjs';
import { wrong } from './answers.mjs';
import { BUNDLERS } from './bundlers.mjs';
import { DECLARATIONS } from './declarations.mjs';
import { HOSTS } from './hosts.mjs';
import { PROCESSES } from './processes.mjs';
import { module, NotRun, project, TOOLS } from './projects.mjs';
import { STARTS } from './start.mjs';

/** Those that need seconds, and no large downloads. */
const QUICK = /^(vite8|esbuild|plain|node20|typescript7|checks)/;
/** How long a page may take to answer. */
const PAGE_MS = 60_000;

const words = process.argv.slice(2).filter((word) => word !== '--quick');
const isWanted = ([tool, what]) =>
  (!process.argv.includes('--quick') || QUICK.test(tool)) && (words.length === 0 || words.some((word) => `${tool} ${what}`.includes(word)));

if (!existsSync(join(PKG, 'dist/index.js'))) {
  console.error(`packaging: ${PKG} has no package: run ./build.sh build first`);
  process.exit(1);
}

/** The version of a tool's first package. */
function versionOf(tool) {
  if (tool === 'node20') return process.versions.node;
  const name = Object.keys(TOOLS[tool] ?? {})[0];
  return name ? JSON.parse(readFileSync(module(tool, `${name}/package.json`), 'utf8')).version : '';
}

/** What a page answers, and how long it took. */
async function visit(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  const begun = performance.now();
  try {
    await page.goto(url);
    const answers = await page.waitForFunction(() => window.rivulet, null, { timeout: PAGE_MS });
    return { answers: await answers.jsonValue(), ms: Math.round(performance.now() - begun) };
  } catch {
    return { answers: { start: `no answer; the page said: ${said.slice(-5).join(' | ')}` } };
  } finally {
    await context.close();
  }
}

/** Files of a build that it has no use for. */
const superfluous = (folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.wasm$|worker/.test(name) && statSync(join(folder, name)).isFile(),
  );

async function inPage(browser, [tool, , start, { refusal, alone, answers: expected, project: at = tool, ...more } = {}]) {
  const root = project(at, more);
  const { url, stop } = await start(root);
  try {
    const { answers, ms } = await visit(browser, url);
    const extra = alone ? superfluous(join(root, alone)) : [];
    if (extra.length > 0) throw new Error(`files that nobody asks for: ${extra.join(', ')}`);
    const fault = wrong(answers, expected);
    if (!refusal) {
      if (fault) throw new Error(fault);
      return { result: 'works', ms };
    }
    if (!fault) throw new Error('works, where an error was expected');
    if (!refusal.test(fault)) throw new Error(`an error that does not help: ${fault}`);
    return { result: 'refused, with cause and remedy' };
  } finally {
    await stop();
  }
}

/** A case without a page. */
const inProcess = ([tool, , start, { project: at = tool, ...more } = {}]) => start(project(at, more));

/** Runs a case to its line of the table. */
async function lineOf(test, run) {
  const [tool, what] = test;
  const begun = performance.now();
  let outcome;
  try {
    outcome = (await run(test)) ?? { result: 'clean' };
  } catch (error) {
    outcome = { result: error instanceof NotRun ? 'not run' : 'FAILS', note: error.message };
  }
  const line = {
    tool,
    version: outcome.result === 'not run' ? '' : versionOf(tool),
    what,
    ...outcome,
    s: Math.round((performance.now() - begun) / 1_000),
  };
  const { result, ms, note } = line;
  console.log(
    `${result.startsWith('FAILS') ? '✖' : result === 'not run' ? '–' : '✔'} ${tool} ${line.version}: ${what}: ${result}${ms ? ` (${ms} ms)` : ''}, ${line.s} s`,
  );
  if (note) console.log(`    ${note.slice(0, 1_500)}`);
  return line;
}

const browser = await launch();
const lines = [];
try {
  for (const test of [...BUNDLERS, ...HOSTS].filter(isWanted)) lines.push(await lineOf(test, (one) => inPage(browser, one)));
  for (const test of STARTS.filter(isWanted)) lines.push(await lineOf(test, ([, , begin]) => begin(browser)));
  for (const test of PROCESSES.filter(isWanted)) lines.push(await lineOf(test, inProcess));
  for (const test of DECLARATIONS.filter(isWanted)) lines.push(await lineOf(test, ([, , look]) => look()));
} finally {
  await browser.close();
}

console.log('\n| tool | version | case | result | page, ms | all, s |\n| --- | --- | --- | --- | --: | --: |');
for (const { tool, version, what, result, ms, s } of lines)
  console.log(`| ${tool} | ${version} | ${what} | ${result} | ${ms ?? ''} | ${s} |`);
const count = (is) => lines.filter(({ result }) => is(result)).length;
const failed = count((result) => result === 'FAILS');
console.log(
  `\n${lines.length} cases: ${count((r) => r !== 'FAILS' && r !== 'not run')} pass, ${failed} fail, ${count((r) => r === 'not run')} not run`,
);
process.exit(failed === 0 && lines.length > 0 ? 0 : 1);
