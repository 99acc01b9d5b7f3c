// Pages that may not do what a session needs: by their Content-Security-Policy, their origin, their frame or their browser. What can
// work does; what cannot is an error that names the directive, the frame or the setting.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { launchIn } from '../../src/js/scripts/browser.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { browser, HERE, PKG } from './harness.mjs';

const DIST = '/pkg/dist/';

/** What a session answers: a count, what a function of the page's computes, or the error. */
const starts = async ([entry, f]) => {
  const { SparkSession } = await import(entry);
  try {
    const spark = await SparkSession.builder.master('local[1]').create();
    const count = await spark.range(3).count();
    const rdd = spark.sparkContext.parallelize([1, 2], 1);
    const mapped = await rdd
      .map(f ?? ((x) => 10 * x))
      .collect()
      .catch(({ message }) => message);
    await spark.stop();
    return { count, mapped };
  } catch ({ name, condition, reason, message, url }) {
    return { name, condition, reason, message, url };
  }
};

/** Opens a page of a server with headers, and asks it. */
async function asked(shared, headers, entry = `${DIST}index.js`, f = undefined) {
  const { server, url } = await serve(join(HERE, 'page'), { mounts: { '/pkg/': PKG, '/tests/': HERE }, headers });
  const page = await shared.browser.newPage();
  try {
    await page.goto(`${url}/blank.html`);
    return await page.evaluate(starts, [entry, f]);
  } finally {
    await page.close();
    server.close();
  }
}

const policy = (text) => ({ 'content-security-policy': text });
const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
const WORKS = { count: 3, mapped: [10, 20] };

describe('Content-Security-Policy', () => {
  const shared = browser();
  const isRefused = ({ name, reason, message }, sentence) => {
    assert.deepEqual([name, reason], ['WorkerLoadError', 'csp'], message);
    assert.match(message, sentence);
  };

  test('a strict one: tables are computed, a function says that it needs blob: or a module, and a module runs', async () => {
    const { count, mapped } = await asked(shared, policy(STRICT));
    assert.equal(count, 3);
    assert.match(mapped, /RIVULET_FUNCTION_CSP|Content-Security-Policy \(script-src/);
    assert.match(mapped, /Add blob: to script-src, or give the function as \{ module, export \}/);
    const f = { module: '/tests/page/functions.js', export: 'tenfold' };
    assert.deepEqual(await asked(shared, policy(STRICT), undefined, f), WORKS);
    assert.deepEqual(await asked(shared, policy(STRICT.replace("'wasm", "blob: 'wasm"))), WORKS);
  });
  test('a module that is not there, of a function, is named', async () => {
    const { mapped } = await asked(shared, {}, undefined, { module: '/tests/page/nowhere.js', export: 'tenfold' });
    assert.match(mapped, /could not be loaded into the executor: .*\/tests\/page\/nowhere\.js/);
  });
  test("without 'wasm-unsafe-eval'", async () => {
    isRefused(await asked(shared, policy(STRICT.replace(" 'wasm-unsafe-eval'", ''))), /engine_bg\.wasm.*'wasm-unsafe-eval' in script-src/);
  });
  test('without the page itself in worker-src', async () => {
    isRefused(
      await asked(shared, policy(STRICT.replace("worker-src 'self'", "worker-src 'none'"))),
      /worker-src.*worker\.js.*'self' in worker-src/,
    );
  });
  test('without the page itself in connect-src', async () => {
    isRefused(
      await asked(shared, policy(STRICT.replace("connect-src 'self'", "connect-src 'none'"))),
      /engine_bg\.wasm.*'self' in connect-src/,
    );
  });
  test("rivulet/inline, without 'wasm-unsafe-eval'", async () => {
    const without = "default-src 'none'; script-src 'self'; worker-src blob:";
    isRefused(await asked(shared, policy(without), `${DIST}inline.js`), /comes with the bundle.*'wasm-unsafe-eval' in script-src/);
  });
  test('rivulet/inline, without blob: in worker-src', async () => {
    isRefused(await asked(shared, policy(STRICT), `${DIST}inline.js`), /worker-src.*blob: in worker-src/);
  });
  test('rivulet/cdn: with what its documentation says it works; without one of them the error says which', async () => {
    const cdn = await serve(PKG, { mounts: { '/pkg/': PKG }, headers: { 'access-control-allow-origin': '*' } });
    const needs = `default-src 'none'; script-src 'self' ${cdn.url} blob: 'wasm-unsafe-eval'; worker-src blob:; connect-src ${cdn.url}`;
    const entry = `${cdn.url}${DIST}cdn.js`;
    try {
      assert.deepEqual(await asked(shared, policy(needs), entry), WORKS);
      isRefused(await asked(shared, policy(needs.replace('worker-src blob:', "worker-src 'self'")), entry), /blob: in worker-src/);
      const scripts = readdirSync(join(PKG, 'dist')).filter((name) => /^(cdn|chunk-\w+)\.js$/.test(name));
      const listed = scripts.map((name) => `${cdn.url}${DIST}${name}`).join(' ');
      const refused = await asked(shared, policy(needs.replace(`'self' ${cdn.url} blob:`, `'self' ${listed} blob:`)), entry);
      isRefused(refused, /script-src/);
    } finally {
      cdn.server.close();
    }
  });
  test('Trusted Types: by the policy rivulet, which the page may refuse', async () => {
    const typed = "require-trusted-types-for 'script'";
    assert.deepEqual(await asked(shared, policy(typed)), WORKS);
    assert.deepEqual(await asked(shared, policy(`${typed}; trusted-types rivulet`)), WORKS);
    const { name, reason, message } = await asked(shared, policy(`${typed}; trusted-types other`));
    assert.deepEqual([name, reason], ['WorkerLoadError', 'trusted-types']);
    assert.match(message, /worker\.js.*Add rivulet to the trusted-types directive/);
  });
});

describe('origins and frames', () => {
  const shared = browser({ flags: ['--host-resolver-rules=MAP stranger.test 127.0.0.1'] });

  test('a page of another origin than the package is pointed to rivulet/cdn', async () => {
    const other = await serve(PKG, { mounts: { '/pkg/': PKG }, headers: { 'access-control-allow-origin': '*' } });
    try {
      const { name, reason, message, url } = await asked(shared, {}, `${other.url}${DIST}index.js`);
      assert.deepEqual([name, reason, url], ['WorkerLoadError', 'origin', `${other.url}${DIST}worker.js`]);
      assert.match(message, /cannot start a worker of another origin.*rivulet\/cdn/);
    } finally {
      other.server.close();
    }
  });
  test('a page over http that is not on this machine', async () => {
    const page = await shared.browser.newPage();
    await page.goto(`${shared.url.replace('localhost', 'stranger.test')}/blank.html`);
    const { condition, message } = await page.evaluate(starts, [`${DIST}index.js`]);
    const remote = await page.evaluate(async (entry) => {
      const { SparkSession } = await import(entry);
      return SparkSession.builder
        .remote('sc://localhost:1')
        .create()
        .catch((error) => error.condition);
    }, `${DIST}index.js`);
    await page.close();
    assert.equal(remote, 'RIVULET_REMOTE_UNREACHABLE', 'a Spark cluster can be reached from there');
    assert.equal(condition, 'RIVULET_INSECURE_CONTEXT');
    assert.match(message, /http:\/\/stranger\.test.*over https, or as http:\/\/localhost/);
  });
  test('a Cross-Origin-Embedder-Policy of the page alone', async () => {
    const headers = { 'cross-origin-embedder-policy': 'require-corp', 'cross-origin-opener-policy': 'same-origin' };
    assert.deepEqual(await asked(shared, headers), WORKS);
    const isPage = (path) => path === '/blank.html';
    const answer = (path, response) => {
      if (isPage(path)) for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return false;
    };
    const { server, url } = await serve(join(HERE, 'page'), { mounts: { '/pkg/': PKG }, answer });
    const page = await shared.browser.newPage();
    await page.goto(`${url}/blank.html`);
    const { name, reason, message } = await page.evaluate(starts, [`${DIST}index.js`]);
    await page.close();
    server.close();
    assert.deepEqual([name, reason], ['WorkerLoadError', 'coep'], message);
    assert.match(message, /worker\.js.*header Cross-Origin-Embedder-Policy with worker\.js and functions\.js/);
  });

  /** What a session answers in a frame: of this origin or away, sandboxed by words or not. */
  async function framed(context, { away = false, sandbox } = {}) {
    let html = '';
    const answer = (path, response) => {
      if (path !== '/framing.html') return false;
      response.writeHead(200, { 'content-type': 'text/html' }).end(html);
      return true;
    };
    const headers = { 'access-control-allow-origin': '*' };
    const { server, url } = await serve(join(HERE, 'page'), { mounts: { '/pkg/': PKG }, answer, headers });
    const src = `${away ? url.replace('localhost', '127.0.0.1') : url}/blank.html`;
    html = `<!doctype html><iframe src="${src}"${sandbox ? ` sandbox="${sandbox}"` : ''}></iframe>`;
    const page = await context.newPage();
    try {
      await page.goto(`${url}/framing.html`);
      const frame = await page.waitForSelector('iframe').then((element) => element.contentFrame());
      await frame.waitForURL(src);
      return await frame.evaluate(starts, [`${DIST}index.js`]);
    } finally {
      await page.close();
      server.close();
    }
  }

  /** Starts a browser with its own profile; `block` says whether it denies storage to frames of other sites. */
  async function inProfile(block, work) {
    const folder = mkdtempSync(join(tmpdir(), 'rivulet-frames-'));
    mkdirSync(join(folder, 'Default'));
    const profile = { block_third_party_cookies: block, cookie_controls_mode: block ? 1 : 0 };
    writeFileSync(join(folder, 'Default/Preferences'), JSON.stringify({ profile }));
    const context = await launchIn(folder);
    try {
      return await work(context);
    } finally {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test('sandboxed frames work with an origin, and say what is missing without one', async () => {
    assert.deepEqual(await framed(shared.browser, { sandbox: 'allow-scripts allow-same-origin' }), WORKS);
    const { condition, message } = await framed(shared.browser, { sandbox: 'allow-scripts' });
    assert.equal(condition, 'RIVULET_SANDBOXED');
    assert.match(message, /blank\.html is in a frame without an origin.*allow-same-origin/);
  });

  test('a frame of another site works, and where the browser refuses it storage the error says so', async () => {
    assert.deepEqual(await inProfile(false, (context) => framed(context, { away: true })), WORKS);
    const { condition, message } = await inProfile(true, (context) => framed(context, { away: true }));
    assert.equal(condition, 'RIVULET_STORAGE_DENIED', message);
    assert.match(message, /127\.0\.0\.1.*third-party storage.*tab of its own.*requestStorageAccess/);
  });
});
