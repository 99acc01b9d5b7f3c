import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const manifest = JSON.parse(readFileSync('src/js/package.template.json', 'utf8')) as {
  version: string;
  exports: Record<string, unknown>;
  sideEffects: string[];
};

test('the package has the version of the engine', () => {
  const version = /^version = "([^"]+)"/m.exec(readFileSync('Cargo.toml', 'utf8'))?.[1];
  assert.equal(manifest.version, version);
});

test('entries that set what sessions start have effects, and no others: bundlers keep them', () => {
  const effects = Object.keys(manifest.exports).filter((name) => readEntry(name)?.includes('_parts.worker ='));
  assert.deepEqual(manifest.sideEffects, effects.map((name) => `./dist/${name.slice(2)}.js`).sort());
});

function readEntry(name: string): string | undefined {
  try {
    return readFileSync(`src/js/src/${name === '.' ? 'index' : name.slice(2)}.ts`, 'utf8');
  } catch {
    return undefined;
  }
}
