// Values on their way between a test and a page of a browser that hands on nothing but text. The functions run at both ends, so each
// stands for itself.

/** A value as text: what JSON has, and undefined, numbers that are none, bigints, dates, errors and bytes. */
export function pack(value) {
  const of = (one) => {
    if (one === undefined) return { $: 'undefined' };
    if (typeof one === 'bigint') return { $: 'bigint', of: String(one) };
    if (typeof one === 'number' && (!Number.isFinite(one) || Object.is(one, -0)))
      return { $: 'number', of: Object.is(one, -0) ? '-0' : String(one) };
    if (one === null || typeof one !== 'object') return typeof one === 'function' || typeof one === 'symbol' ? { $: 'undefined' } : one;
    if (one instanceof Date) return { $: 'date', of: one.getTime() };
    if (one instanceof Error) return { $: 'error', name: one.name, message: one.message, stack: one.stack };
    if (ArrayBuffer.isView(one)) return { $: 'typed', of: [...one], type: one.constructor.name };
    if (Array.isArray(one)) return one.map(of);
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, of(inner)]));
  };
  return JSON.stringify(of(value));
}

/** The value of a text. */
export function unpack(text) {
  const of = (one) => {
    if (one === null || typeof one !== 'object') return one;
    if (Array.isArray(one)) return one.map(of);
    switch (one.$) {
      case undefined:
        return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, of(inner)]));
      case 'undefined':
        return undefined;
      case 'bigint':
        return BigInt(one.of);
      case 'number':
        return Number(one.of);
      case 'date':
        return new Date(one.of);
      case 'error':
        return Object.assign(new Error(one.message), { name: one.name, stack: one.stack });
      default:
        return new globalThis[one.type](one.type.startsWith('Big') ? one.of.map(BigInt) : one.of);
    }
  };
  return of(JSON.parse(text));
}

/** The text of a function call, an expression whose promise has the packed result, or the packed error under `error`. */
export function callText(f, arg) {
  const source = typeof f === 'string' ? `() => (${f})` : String(f);
  return `(async () => {
    const pack = ${pack}; const unpack = ${unpack};
    try { return pack({ value: await (${source})(unpack(${JSON.stringify(pack(arg))})) }); }
    catch (error) { return pack({ error: error instanceof Error ? error : new Error(String(error)) }); }
  })()`;
}

/** The result of a call; throws its error. */
export function resultOf(text) {
  const { value, error } = unpack(text);
  if (error) throw new Error(`${error.name}: ${error.message}\n${error.stack}`);
  return value;
}

/** Asks again and again until the answer is one; throws an error of the name TimeoutError after `timeout` ms. */
export async function waitUntil(ask, { timeout = 30_000 } = {}) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw Object.assign(new Error(`nothing came for ${timeout} ms`), { name: 'TimeoutError' });
    await new Promise((go) => setTimeout(go, 50));
  }
}

/** What `waitForFunction` returns. */
export const handleOf = (value) => ({ jsonValue: async () => value });
