// Runs one suite of the engine's browser edge (tests/web_*.rs) in Chromium: cargo calls this with the suite's wasm file, as its
// runner for wasm32. The server that tests connect to listens one port above that of their page.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROMIUM, CHROMIUM_FLAGS } from './paths.mjs';
import { edgeServer } from './servers/edge-server.mjs';

/** For one suite, which takes a few seconds, and for the start of the browser's driver: on a machine that is busy. */
const TIMEOUT_S = 120;

/** Listens on a port whose neighbour below is free, for the page. */
async function listen(server) {
  for (;;) {
    const page = createServer().listen(0, '127.0.0.1');
    await once(page, 'listening');
    const { port } = page.address();
    const listening = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port + 1, '127.0.0.1', () => resolve(true));
    });
    page.close();
    await once(page, 'close');
    if (listening) return port;
  }
}

if (spawnSync('chromedriver', ['--version']).error) throw new Error('chromedriver is missing: apt-get install chromium-driver');
const folder = mkdtempSync(join(tmpdir(), 'rivulet-edge-'));
const capabilities = join(folder, 'webdriver.json');
writeFileSync(capabilities, JSON.stringify({ 'goog:chromeOptions': { binary: CHROMIUM, args: CHROMIUM_FLAGS } }));
const server = edgeServer();
const port = await listen(server);
// Of what cargo passes on, the runner does not know this.
const given = process.argv.slice(2).filter((argument) => argument !== '--quiet');
const runner = spawn('wasm-bindgen-test-runner', given, {
  stdio: 'inherit',
  env: {
    CHROMEDRIVER: 'chromedriver',
    WASM_BINDGEN_TEST_TIMEOUT: String(TIMEOUT_S),
    WASM_BINDGEN_TEST_DRIVER_TIMEOUT: String(TIMEOUT_S),
    ...process.env,
    WASM_BINDGEN_TEST_ADDRESS: `127.0.0.1:${port}`,
    WASM_BINDGEN_TEST_WEBDRIVER_JSON: capabilities,
  },
});
const [code] = await once(runner, 'exit');
rmSync(folder, { recursive: true });
process.exit(code ?? 1);
