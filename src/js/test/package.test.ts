import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { check, isKnown } from '../scripts/build/licences.mjs';

const manifest = JSON.parse(readFileSync('src/js/package.template.json', 'utf8')) as {
  version: string;
  exports: Record<string, unknown>;
  sideEffects: string[];
};

test('licences are known by their SPDX expressions', () => {
  const known = ['MIT', 'MIT/Apache-2.0', '(MIT OR GPL-3.0) AND Unicode-3.0', 'Apache-2.0 WITH LLVM-exception', 'GPL-2.0 OR (MIT AND ISC)'];
  for (const expression of known) assert.equal(isKnown(expression), true, expression);
  for (const expression of ['GPL-3.0', 'MIT AND GPL-3.0', '(MIT OR ISC) AND LGPL-2.1', 'Proprietary']) {
    assert.equal(isKnown(expression), false, expression);
  }
  const unknown = [
    { name: 'a', version: '1.0.0', license: 'GPL-3.0' },
    { name: 'b', version: '2.0.0', license: null },
    { name: 'c', version: '3.0.0', license: 'MIT' },
  ];
  assert.throws(() => check(unknown), /a 1\.0\.0: GPL-3\.0; b 2\.0\.0: none$/);
});

test('the package has the version of the engine', () => {
  const version = /^version = "([^"]+)"/m.exec(readFileSync('Cargo.toml', 'utf8'))?.[1];
  assert.equal(manifest.version, version);
});

test('entries that set what sessions start have effects, and no others: bundlers keep them', () => {
  const effects = Object.keys(manifest.exports).filter((name) => /_parts\.worker =|'\.\/beside\.js'/.test(readEntry(name) ?? ''));
  const files = effects.flatMap((name) => (name === '.' ? ['./dist/index.js'] : [`./dist/${name.slice(2)}.js`, `${name}.js`]));
  assert.deepEqual(manifest.sideEffects.toSorted(), files.toSorted());
});

function readEntry(name: string): string | undefined {
  try {
    return readFileSync(`src/js/src/${name === '.' ? 'index' : name.slice(2)}.ts`, 'utf8');
  } catch {
    return undefined;
  }
}
