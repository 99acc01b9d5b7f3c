// The guide's five-minute start as a stranger does it: its commands, its program, its words, and nothing else.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from '../../src/js/scripts/paths.mjs';
import { NotRun, tarball } from './projects.mjs';

/** How long the machine may take from the first command to the first chart, and how many steps a person. */
const [MOST_SECONDS, MOST_STEPS] = [60, 8];
/** How often somebody who clicks around does so. */
const CLICK_MS = 400;

/** What a stranger's shell has: not NODE_ENV, which bundlers set in this process, and by which npm leaves out a project's tools. */
const { NODE_ENV: _, ...SHELL } = process.env;

/** What the section of the guide says to do, one step each. Throws where the words do not say it. */
function stepsOf(guide) {
  const section = /^## With Vite\n(.*?)^## /ms.exec(guide)?.[1] ?? '';
  const said = (what, pattern) => pattern.exec(section)?.[1] ?? fail(`www/guide/start.md does not say ${what}`);
  const fail = (message) => {
    throw new Error(message);
  };
  const commands = said('which commands make the project', /^```bash\n(.*?)^```/ms)
    .trim()
    .split('\n');
  const file = said('where the program goes', /Put this into `([^`]+)`/);
  const program = said('what the program is', /^```ts vite\n(.*?)^```/ms);
  const server = said('how the page is served', /run `([^`]+)`/);
  const words = [said('to open the page', /(open the address that it prints)/), said('what to do there', /(click around)/)];
  return { commands, file, program, server, steps: [...commands, `put the program into ${file}`, server, ...words] };
}

/** Starts the server, and returns the address that it prints. */
function serving(command, cwd) {
  const [program, ...args] = command.split(' ');
  const child = spawn(program, args, { cwd, stdio: 'pipe', detached: true, env: { ...SHELL, NO_COLOR: '1' } });
  const stop = () => {
    try {
      process.kill(-child.pid);
    } catch {
      // It has ended by itself.
    }
  };
  const url = new Promise((resolve, reject) => {
    let said = '';
    const hear = (data) => {
      said += data;
      const found = /http:\/\/(?:localhost|127\.0\.0\.1):\d+\S*/.exec(said);
      if (found) resolve(found[0]);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('exit', (code) => reject(new Error(`${command} ended with ${code}: ${said.slice(-1_000)}`)));
  });
  return { url, stop };
}

/** Clicks around until the chart has a bar with a count. */
async function charted(page) {
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  const begun = performance.now();
  const bars = () =>
    [...document.querySelectorAll('div[id]')].filter(
      ({ id, textContent }) => textContent.startsWith(`${id}: `) && Number(textContent.slice(id.length + 2)) > 0,
    ).length;
  const drawn = () => page.evaluate(bars).catch((error) => (/context was destroyed/.test(error.message) ? 0 : Promise.reject(error)));
  while (!(await drawn())) {
    if (performance.now() - begun > 1_000 * MOST_SECONDS) throw new Error(`no chart; the page said: ${said.slice(-5).join(' | ')}`);
    await page.mouse.click(200, 200);
    await page.waitForTimeout(CLICK_MS);
  }
}

async function fiveMinuteStart(browser) {
  const { commands, file, program, server, steps } = stepsOf(readFileSync(join(ROOT, 'www/guide/start.md'), 'utf8'));
  // Not published yet: what npm would publish, in the place of its name.
  const own = commands.map((command) => command.replace(/^(npm install) rivulet$/, `$1 '${tarball()}'`));
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-start-'));
  const begun = performance.now();
  let dev;
  try {
    const script = `set -e\n${own.join('\n')}\npwd -P`;
    const env = { ...SHELL, npm_config_yes: 'true', npm_config_audit: 'false', npm_config_fund: 'false' };
    let root;
    try {
      root = execFileSync('bash', ['-c', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 })
        .toString()
        .trim()
        .split('\n')
        .at(-1);
    } catch (error) {
      const said = `${error.stdout ?? ''}${error.stderr ?? ''}`;
      if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN/.test(said)) throw new NotRun('the registry of npm is not reachable');
      throw new Error(`the commands of the guide failed: ${said.slice(-1_000)}`);
    }
    const place = join(root, file);
    // It takes the place of what the template has there.
    if (readFileSync(place, 'utf8') === '' || dirname(place) === root) throw new Error(`the template has no ${file}`);
    writeFileSync(place, program);
    dev = serving(server, root);
    const page = await browser.newPage();
    // Vite prepares packages when a page first asks for them, and loads the page anew.
    await page.goto(await dev.url, { waitUntil: 'commit' });
    await charted(page);
    await page.close();
  } finally {
    dev?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  const seconds = (performance.now() - begun) / 1_000;
  const found = `${seconds.toFixed(1)} s and ${steps.length} steps to the first chart`;
  if (seconds > MOST_SECONDS || steps.length > MOST_STEPS) throw new Error(`${found}, of ${MOST_SECONDS} s and ${MOST_STEPS} steps`);
  return { result: found, note: steps.map((step, at) => `${at + 1}. ${step}`).join('; ') };
}

/** Tool, what is tried, how. */
export const STARTS = [['create-vite', 'the guide’s five-minute start, to the first chart', fiveMinuteStart]];
