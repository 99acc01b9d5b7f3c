// Pages without a bundler, on hosts of several kinds.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { files } from './servers.mjs';

const DIST = '/node_modules/rivulet/dist/';

const importMap = (entry) =>
  `<!doctype html><meta charset="utf-8"><title>stranger</title>
<script type="importmap">{ "imports": { "rivulet": ${JSON.stringify(entry)} } }</script>
<script type="module" src="./main.js"></script>\n`;

const page = (root, headers) => files(root, { headers });

/** The package on an origin of its own, as a content delivery network has it; `policy` makes the page's headers of that origin. */
async function fromElsewhere(root, policy) {
  const cdn = await files(root, { headers: { 'access-control-allow-origin': '*' } });
  const headers = policy ? { 'content-security-policy': policy(cdn.url) } : {};
  // The page's script names the other origin, whose port is known only now.
  const program = join(root, 'programs.js');
  writeFileSync(program, readFileSync(program, 'utf8').replace('CDN', cdn.url));
  const own = await files(root, { headers });
  const stop = () => {
    own.stop();
    cdn.stop();
  };
  return { url: own.url, stop };
}

const strict = (scripts) => ({
  'content-security-policy': `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'${scripts}; worker-src 'self'; connect-src 'self'`,
});
const forCdn = (origin) =>
  `default-src 'none'; script-src 'self' ${origin} blob: 'wasm-unsafe-eval'; worker-src blob:; connect-src ${origin}`;

const direct = { entry: `${DIST}index.js` };
const cdn = { entry: `CDN${DIST}cdn.js` };

/** As in `bundlers.mjs`; all of them have their pages in the project of one tool. */
export const HOSTS = [
  ['plain', 'script type=module', (root) => page(root), direct],
  ['plain', 'import map', (root) => page(root), { files: { 'index.html': importMap(`${DIST}index.js`) } }],
  ['plain', 'import map, rivulet/inline', (root) => page(root), { files: { 'index.html': importMap(`${DIST}inline.js`) } }],
  ['plain', 'rivulet/cdn, another origin', (root) => fromElsewhere(root), cdn],
  ['plain', 'index.js of another origin', (root) => fromElsewhere(root), { entry: `CDN${DIST}index.js`, refusal: /rivulet\/cdn/ }],
  ['plain', 'strict CSP', (root) => page(root, strict('')), { ...direct, refusal: /script-src.*blob:.*module, export/ }],
  ['plain', 'strict CSP with blob: in script-src', (root) => page(root, strict(' blob:')), direct],
  ['plain', 'rivulet/cdn under a CSP', (root) => fromElsewhere(root, forCdn), cdn],
].map(([tool, what, start, more]) => [tool, what, start, { ...more, project: 'esbuild' }]);
