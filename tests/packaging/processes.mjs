// Programs without a page: processes that run sessions in their own threads.
import { CHROMIUM, CHROMIUM_FLAGS } from '../../src/js/scripts/paths.mjs';
import { wrong } from './answers.mjs';
import { bin, run } from './projects.mjs';

/** Prints what the programs answer as the last line, and ends by itself: a session that is stopped leaves nothing that runs. */
const MAIN = "import { run } from './programs.js';\n\nawait run();\nconsole.log(JSON.stringify(globalThis.rivulet));\n";

/** Tests that know of nothing but `rivulet`. */
const TEST = `import { expect, test } from 'vitest';
import { ANSWERS } from './answers.mjs';
import { run } from './programs.js';

test('the programs answer as in a page', async () => {
  await run();
  expect(globalThis.rivulet).toEqual(ANSWERS);
}, 60_000);
`;
const CONFIG = `export default {
  resolve: { alias: [{ find: /^rivulet$/, replacement: 'rivulet/node' }] },
  test: { include: ['programs.test.js'] },
};
`;

/** The same tests in a page: in Chromium, by Playwright, with the package as it is. */
const BROWSER = `import { playwright } from '@vitest/browser-playwright';

export default {
  test: {
    include: ['programs.test.js'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath: ${JSON.stringify(CHROMIUM)}, args: ${JSON.stringify(CHROMIUM_FLAGS)} } }),
      instances: [{ browser: 'chromium' }],
    },
  },
};
`;

/** Runs `main.js` and compares what it prints. */
const answering = (command, args) => (root) => {
  const begun = performance.now();
  const said = run(root, command(), [...args, 'main.js'], { seconds: 120 });
  const fault = wrong(JSON.parse(said.trim().split('\n').at(-1)));
  if (fault) throw new Error(fault);
  return { result: 'works', ms: Math.round(performance.now() - begun) };
};

/** Runs the tests of a project. */
const tested = (tool) => (root) => {
  const begun = performance.now();
  run(root, bin(tool, 'vitest'), ['run'], { seconds: 120 });
  return { result: 'works', ms: Math.round(performance.now() - begun) };
};

const main = { entry: 'rivulet/node', files: { 'main.js': MAIN } };

/** Tool, what is tried, how; the project is made as in `bundlers.mjs`. */
export const PROCESSES = [
  ['node20', 'rivulet/node in this Node.js', answering(() => process.execPath, []), { ...main, project: 'esbuild' }],
  ['node', 'rivulet/node', answering(() => bin('node', 'node'), []), main],
  ['node26', 'rivulet/node', answering(() => bin('node26', 'node'), []), main],
  ['deno', 'rivulet/node', answering(() => bin('deno', 'deno'), ['run', '--allow-all', '--node-modules-dir=manual']), main],
  ['bun', 'rivulet/node', answering(() => bin('bun', 'bun'), []), main],
  [
    'vitest',
    'rivulet, with an alias for rivulet/node',
    tested('vitest'),
    { files: { 'programs.test.js': TEST, 'vitest.config.js': CONFIG }, copies: ['answers.mjs'] },
  ],
  [
    'vitest-browser',
    'browser mode',
    tested('vitest-browser'),
    { files: { 'programs.test.js': TEST, 'vitest.config.js': BROWSER }, copies: ['answers.mjs'] },
  ],
];
