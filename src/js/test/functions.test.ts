// The client's functions against the engine's table of them, which the built engine tells.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BY_HAND, camelCase, functionTable } from '../scripts/generate-functions.mjs';
import type { Expression } from '../src/connect/messages.js';
import { col, functions } from '../src/sql/functions/index.js';

interface Entry {
  name: string;
  aliases: string[];
  group: string;
  listed: boolean;
  arguments: { kind: string }[];
}
type Callable = (...args: unknown[]) => { expr: Expression };

const table = (await functionTable()) as Entry[];
const client = functions as unknown as Record<string, Callable>;
const isName = (name: string) => /^[a-z]\w*$/.test(name);
/** SQL keywords that JavaScript writes as `when`. */
const NOT_CALLED = ['case'];

test('every function of the engine is a function of the client', () => {
  const names = table
    .filter((f) => f.listed)
    .flatMap((f) => [f.name, ...f.aliases])
    .filter(isName);
  assert.ok(names.length > 400, `${names.length} functions`);
  const missing = names.filter((name) => !NOT_CALLED.includes(name) && typeof client[camelCase(name)] !== 'function');
  assert.deepEqual(missing, []);
});

test('each generated function calls the one that it is named after', () => {
  const renamed: Record<string, string> = { mean: 'avg', pow: 'power' };
  for (const f of table.filter((f) => f.listed && !BY_HAND.includes(f.name) && isName(f.name))) {
    const args = f.arguments.map(({ kind }) => (kind === 'lambda' ? () => col('x') : col('a')));
    const { exprType } = client[camelCase(f.name)]!(...args).expr;
    assert.equal(exprType?.case, 'unresolvedFunction', f.name);
    const called = exprType?.case === 'unresolvedFunction' ? exprType.value : undefined;
    assert.equal(called?.functionName, renamed[f.name] ?? f.name);
    assert.equal(called?.arguments?.length, args.length, f.name);
  }
});

test('kinds say what a bare string is', () => {
  const argumentsOf = (column: { expr: Expression }) =>
    (column.expr.exprType?.case === 'unresolvedFunction' ? (column.expr.exprType.value.arguments ?? []) : []).map((a) => a.exprType?.case);
  assert.deepEqual(argumentsOf(functions.lpad('a', 5, '0')), ['unresolvedAttribute', 'literal', 'literal']);
  assert.deepEqual(argumentsOf(functions.namedStruct('x', 'a', 'y', 'b')), [
    'literal',
    'unresolvedAttribute',
    'literal',
    'unresolvedAttribute',
  ]);
  assert.deepEqual(argumentsOf(functions.transform('xs', (x) => x.plus(1))), ['unresolvedAttribute', 'lambdaFunction']);
  assert.deepEqual(argumentsOf(functions.toJson('s', { pretty: true })), ['unresolvedAttribute', 'unresolvedFunction']);
  assert.deepEqual(argumentsOf(functions.lag('a')), ['unresolvedAttribute', 'literal']);
  assert.deepEqual(argumentsOf(functions.coalesce(...['a', 'b'])), ['unresolvedAttribute', 'unresolvedAttribute']);
});
