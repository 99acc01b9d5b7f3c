import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CredentialsAnswer, CredentialsGone, CredentialsWanted } from '../src/protocol.js';
import { Credentials, type CredentialsFunction, type CredentialsRequest } from '../src/sql/credentials/registry.js';
import { checked, Unusable } from '../src/sql/credentials/returned.js';

const NOW = 1_700_000_000_000;
const headers = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

/** Functions of a page whose clock and alarms the test drives. */
class Page {
  nowMs = NOW;
  readonly alarms = new Map<() => void, number>();
  readonly posted: CredentialsGone[] = [];
  /** What workers hear, in order. */
  readonly heard: ('answer' | 'error' | 'gone')[] = [];
  readonly credentials = new Credentials({
    alarm: (inMs, work) => {
      this.alarms.set(work, this.nowMs + inMs);
      return () => this.alarms.delete(work);
    },
    postToAll: (message) => {
      this.heard.push('gone');
      this.posted.push(message);
    },
    isRemote: () => false,
    now: () => this.nowMs,
  });
  #next = 1;

  ask(more: Partial<CredentialsWanted> = {}): Promise<CredentialsAnswer> {
    const asked = { id: this.#next++, name: 'orders', system: 'kafka', option: 'kafka.bridge.credentials', url: 'https://gate' };
    const wanted = { t: 'credentialsWanted', ...asked, reason: 'first', refused: 0, ...more } as const;
    return new Promise((resolve) => {
      void this.credentials.answer(wanted, (answer) => {
        this.heard.push(answer.error ? 'error' : 'answer');
        resolve(answer);
      });
    });
  }

  /** Lets time pass, and rings what is due. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const [work, atMs] of [...this.alarms]) if (atMs <= this.nowMs) work();
  }
}

/** A function that counts its calls, each answered when the test says so. */
function counted() {
  const calls: { request: CredentialsRequest; answer: (token: string) => void }[] = [];
  const call: CredentialsFunction = (request) =>
    new Promise((resolve) => calls.push({ request, answer: (token) => resolve(headers(token)) }));
  return { calls, call };
}
/** Waits until a condition holds, turn by turn. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < 1_000, 'it does not come');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
const tokenOf = ({ values }: CredentialsAnswer) => values['Authorization'];

test('workers that ask at the same time share one call, and later ones what it has returned until it is due', async () => {
  const page = new Page();
  const { calls, call } = counted();
  page.credentials.register('orders', call);
  const asked = [page.ask(), page.ask(), page.ask()];
  await until(() => calls.length === 1);
  calls[0]!.answer('one');
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map(tokenOf), ['Bearer one', 'Bearer one', 'Bearer one']);
  assert.deepEqual(
    answers.map(({ id }) => id),
    [1, 2, 3],
  );
  assert.deepEqual([answers[0]!.askedMs, answers[0]!.untilMs], [NOW, NOW + 300_000]);
  page.pass(299_999);
  assert.equal(tokenOf(await page.ask()), 'Bearer one');
  page.pass(1);
  const renewed = page.ask({ reason: 'expiring' });
  await until(() => calls.length === 2);
  calls[1]!.answer('two');
  assert.equal(tokenOf(await renewed), 'Bearer two');
  const { signal, ...request } = calls[1]!.request;
  assert.deepEqual(request, { name: 'orders', system: 'kafka', url: 'https://gate', reason: 'expiring' });
  assert.equal(signal.aborted, false);
  assert.equal(page.alarms.size, 0);
});

test('what is refused is asked for anew once, and whoever was refused an older one takes the newer', async () => {
  const page = new Page();
  let count = 0;
  page.credentials.register('orders', () => headers(`t${++count}`));
  const first = await page.ask();
  const second = await page.ask({ reason: 'refused', refused: first.serial });
  assert.deepEqual([tokenOf(first), tokenOf(second), second.serial > first.serial], ['Bearer t1', 'Bearer t2', true]);
  assert.equal(tokenOf(await page.ask({ reason: 'refused', refused: first.serial })), 'Bearer t2');
  assert.equal(count, 2);
});

test('one call of a function runs at a time, also for different servers', async () => {
  const page = new Page();
  const { calls, call } = counted();
  page.credentials.register('orders', call);
  const one = page.ask();
  const other = page.ask({ url: 'https://elsewhere' });
  await until(() => calls.length === 1);
  assert.equal(calls[0]!.request.url, 'https://gate');
  calls[0]!.answer('gate');
  assert.equal(tokenOf(await one), 'Bearer gate');
  await until(() => calls.length === 2);
  assert.equal(calls[1]!.request.url, 'https://elsewhere');
  calls[1]!.answer('elsewhere');
  assert.equal(tokenOf(await other), 'Bearer elsewhere');
});

test('a function that throws, or returns something else, is an error that names it, its option and what is wrong', async () => {
  const page = new Page();
  const failing: [CredentialsFunction, string, RegExp][] = [
    [() => Promise.reject(new TypeError('no network')), 'THREW', /threw TypeError: no network\.$/],
    [
      () => {
        throw 'a string';
      },
      'THREW',
      /threw a string\.$/,
    ],
    [(() => undefined) as never, 'INVALID', /returned undefined, where an object is needed/],
    [() => ({ headers: { A: 'secret\nvalue' } }), 'INVALID', /the header 'A' with a line break/],
  ];
  for (const [call, kind, what] of failing) {
    page.credentials.register('orders', call);
    const { error } = await page.ask();
    assert.equal(error?.condition, `RIVULET_CREDENTIALS.${kind}`);
    assert.match(error.message, /^The function 'orders', which the option kafka\.bridge\.credentials names for https:\/\/gate, /);
    assert.match(error.message, what);
    assert.doesNotMatch(error.message, /secret/);
  }
  // It is called again by the next, and nothing is kept of the error.
  page.credentials.register('orders', () => headers('fine'));
  assert.equal(tokenOf(await page.ask()), 'Bearer fine');
});

test('a function that does not return in its time is an error, its signal is aborted, and the next question calls it again', async () => {
  const page = new Page();
  const { calls, call } = counted();
  page.credentials.register('orders', call, { timeoutMs: 50 });
  const asked = page.ask();
  await until(() => calls.length === 1);
  page.pass(49);
  assert.equal(calls[0]!.request.signal.aborted, false);
  page.pass(1);
  const { error } = await asked;
  assert.equal(error?.condition, 'RIVULET_CREDENTIALS.TIMED_OUT');
  assert.match(error.message, /does not return within 50 ms\.$/);
  assert.equal(calls[0]!.request.signal.aborted, true);
  const again = page.ask();
  await until(() => calls.length === 2);
  calls[0]!.answer('late');
  calls[1]!.answer('in time');
  assert.equal(tokenOf(await again), 'Bearer in time');
  assert.equal(tokenOf(await page.ask()), 'Bearer in time');
});

test('a function that is not registered, or is taken back during a call, is an error; one that is replaced is not', async () => {
  const page = new Page();
  const { error } = await page.ask();
  assert.equal(error?.condition, 'RIVULET_CREDENTIALS.NOT_REGISTERED');
  const { calls, call } = counted();
  page.credentials.register('orders', call);
  const waiting = page.ask();
  await until(() => calls.length === 1);
  assert.equal(page.credentials.unregister('orders'), true);
  assert.equal(calls[0]!.request.signal.aborted, true);
  assert.equal((await waiting).error?.condition, 'RIVULET_CREDENTIALS.NOT_REGISTERED');
  assert.equal(page.credentials.unregister('orders'), false);
  assert.deepEqual(page.posted, [{ t: 'credentialsGone', name: 'orders' }]);

  page.credentials.register('orders', call);
  const asked = page.ask();
  await until(() => calls.length === 2);
  page.credentials.register('orders', () => headers('new'));
  calls[1]!.answer('old');
  assert.equal(tokenOf(await asked), 'Bearer new');
  assert.equal(page.posted.length, 2);
  assert.equal(page.alarms.size, 0);
});

test('whenever a function is taken back, no worker has its answer after it heard that the function is gone', async () => {
  const orders = new Set<string>();
  for (let turns = 0; turns < 40; turns++) {
    const page = new Page();
    const { calls, call } = counted();
    page.credentials.register('orders', call);
    const asked = page.ask();
    await until(() => calls.length === 1);
    calls[0]!.answer('one');
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    page.credentials.unregister('orders');
    await asked;
    orders.add(page.heard.join(', '));
  }
  assert.deepEqual([...orders].sort(), ['answer, gone', 'gone, error']);
});

test('what cannot be registered is refused', () => {
  const page = new Page();
  const register = page.credentials.register.bind(page.credentials) as (...args: unknown[]) => void;
  for (const name of ['', ' ', ' a', 5, undefined]) assert.throws(() => register(name, () => headers('x')), /needs a name/);
  assert.throws(() => register('a', { headers: {} }), /needs a function/);
  for (const timeoutMs of [0, -1, Number.NaN, Infinity])
    assert.throws(() => register('a', () => headers('x'), { timeoutMs }), /timeoutMs .* must be a positive number/);
});

/** What is wrong with what a function has returned. */
function wrong(system: string, returned: unknown): string {
  try {
    checked(system, returned, NOW);
  } catch (error) {
    assert.ok(error instanceof Unusable);
    return error.message;
  }
  return '';
}

test('headers are checked by name and value, and no value is repeated', () => {
  const of = (given: unknown) => wrong('kafka', { headers: given });
  assert.equal(of({ Authorization: 'Bearer x', 'x-api-key': 'a~\t\xe9', EMPTY: '' }), '');
  for (const given of [undefined, null, 'Bearer x', ['a', 'b'], new Map([['a', 'b']]), new Headers({ a: 'b' }), 5])
    assert.match(of(given), /'headers' must be a plain object of strings/, String(given));
  assert.match(wrong('kafka', { Authorization: 'Bearer x' }), /'headers' must be a plain object of strings, got undefined/);
  assert.match(of({ '': 'x' }), /whose name is empty/);
  for (const name of ['a b', 'a\n', 'ü', 'a:']) assert.match(of({ [name]: 'x' }), /a character that names of headers cannot have/);
  for (const value of ['a\r\nb', 'a\0', '\u20ac', 'x\n']) assert.match(of({ A: value }), /the header 'A' with a line break or another/);
  for (const value of [5, null, undefined, ['x'], {}]) assert.match(of({ A: value }), /the header 'A' as .*, where a string is needed/);
  for (const name of ['Cookie', 'HOST', 'content-length', 'Sec-Fetch-Mode', 'proxy-authorization', 'Origin'])
    assert.equal(of({ [name]: 'x' }), `returned the header '${name}', which a browser does not let a page set`);
  for (const name of ['Content-Type', 'accept'])
    assert.equal(of({ [name]: 'x' }), `returned the header '${name}', which each request has already`);
  assert.match(of({ a: 'x', A: 'y' }), /the header 'A' twice/);
  assert.match(of(Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`h${n}`, 'x']))), /returned 51 headers, and the limit is 50/);
  assert.match(of({ a: 'x'.repeat(65_536) }), /the limit is 65536/);
});

test('keys of AWS are checked, and no value is repeated', () => {
  const keys = { accessKeyId: 'AK', secretAccessKey: 'hush', sessionToken: 'hush' };
  const of = (given: object) => wrong('aws-kinesis', { ...keys, ...given });
  assert.deepEqual(checked('aws-kinesis', { ...keys, accountId: '1' }, NOW).values, keys);
  assert.deepEqual(checked('aws-kinesis', { ...keys, sessionToken: undefined }, NOW).values, {
    accessKeyId: 'AK',
    secretAccessKey: 'hush',
  });
  for (const name of ['accessKeyId', 'secretAccessKey']) {
    assert.match(of({ [name]: undefined }), new RegExp(`'${name}' must be a string, got undefined`));
    assert.match(of({ [name]: ' ' }), new RegExp(`'${name}' is empty`));
  }
  assert.match(of({ sessionToken: '' }), /'sessionToken' is empty/);
  assert.match(of({ secretAccessKey: 'hush\n' }), /'secretAccessKey' has a line break/);
  assert.match(wrong('aws-kinesis', headers('x')), /'accessKeyId' must be a string, got undefined/);
  for (const given of [of({ secretAccessKey: 'hush\n' }), of({ expiration: 'hush' })]) assert.doesNotMatch(given, /hush/);
});

test('credentials are used until a minute, or a tenth of their life, before they expire', () => {
  const untilMs = (expiresAt: unknown) => checked('kafka', { headers: {}, expiresAt }, NOW).untilMs - NOW;
  assert.equal(untilMs(undefined), 300_000);
  assert.equal(untilMs(null), 300_000);
  assert.equal(untilMs(NOW + 3_600_000), 3_540_000);
  assert.equal(untilMs(new Date(NOW + 100_000)), 90_000);
  assert.equal(untilMs(new Date(NOW + 10).toISOString()), 9);
  for (const expiresAt of ['soon', Number.NaN, new Date('soon'), {}, true, Infinity, 10n])
    assert.match(wrong('kafka', { headers: {}, expiresAt }), /'expiresAt' is not a time: .* is needed, got/);
  // Seconds in the place of milliseconds.
  assert.match(
    wrong('kafka', { headers: {}, expiresAt: NOW / 1_000 }),
    /have expired: 'expiresAt' is 1970-01-20T.* \(numbers are ms since/,
  );
  assert.match(wrong('kafka', { headers: {}, expiresAt: NOW }), /have expired/);
});
