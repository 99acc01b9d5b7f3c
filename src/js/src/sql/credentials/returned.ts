/** Checks what a function that the page registers for credentials returns. No message repeats a value: it may be a secret. */
import { kindOf } from '../../values/misfit.js';

/** When credentials expire: a Date, ms since the epoch, or a string in ISO 8601. */
export type Instant = Date | number | string;

/** Headers of requests to an HTTP server in front of Kafka's brokers. */
export interface HeaderCredentials {
  /** The headers by name, such as `{ Authorization: 'Bearer …' }`. */
  readonly headers: Readonly<Record<string, string>>;
  /** When they expire; without it they are used for five minutes. */
  readonly expiresAt?: Instant | undefined;
}

/** Credentials of AWS, as its SDK's providers return them. */
export interface AwsCredentials {
  /** The access key. */
  readonly accessKeyId: string;
  /** Its secret. */
  readonly secretAccessKey: string;
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** When they expire; without it they are used for five minutes. */
  readonly expiration?: Instant | undefined;
}

/** What was returned, checked: strings by name, and until when they are used, ms since the epoch. */
export interface Returned {
  values: Record<string, string>;
  untilMs: number;
}

/** How long before they expire credentials are asked for again, ms; a tenth of their life if that is less. */
const EARLY_MS = 60_000;
/** How long credentials are used that do not say when they expire, ms. */
const KEPT_MS = 300_000;
/** Most headers, and characters of all of them. */
const MOST_HEADERS = 50;
const MOST_CHARACTERS = 65_536;

/** A name of a header (RFC 9110, `token`). */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A value of a header: without line breaks and other control characters, and in the characters that `fetch` sends. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Headers that a browser does not let a page set (Fetch, "forbidden request-header"). */
const FORBIDDEN = new Set(
  (
    'accept-charset accept-encoding access-control-request-headers access-control-request-method access-control-request-private-network ' +
    'connection content-length cookie cookie2 date dnt expect host keep-alive origin referer set-cookie te trailer transfer-encoding ' +
    'upgrade via x-http-method x-http-method-override x-method-override'
  ).split(' '),
);
/** Headers that requests have already. */
const OURS = new Set(['accept', 'content-type']);

/** What is wrong with what a function has returned, as the end of a sentence. */
export class Unusable extends Error {}

/** Checks what a function has returned for a system at a time; throws {@link Unusable}. */
export function checked(system: string, returned: unknown, nowMs: number): Returned {
  if (typeof returned !== 'object' || returned === null)
    throw new Unusable(`returned ${article(kindOf(returned))}, where an object is needed`);
  return system === 'kafka' ? headersOf(returned, nowMs) : keysOf(returned, nowMs);
}

function headersOf(returned: object, nowMs: number): Returned {
  const { headers, expiresAt } = returned as Partial<HeaderCredentials>;
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers) || Symbol.iterator in headers)
    throw new Unusable(`returned an object whose 'headers' must be a plain object of strings, got ${article(kindOf(headers))}`);
  const entries = Object.entries(headers);
  if (entries.length > MOST_HEADERS) throw new Unusable(`returned ${entries.length} headers, and the limit is ${MOST_HEADERS}`);
  const seen = new Set<string>();
  let characters = 0;
  for (const [name, value] of entries) {
    checkHeader(name, value);
    if (seen.size === seen.add(name.toLowerCase()).size) throw new Unusable(`returned the header '${name}' twice`);
    characters += name.length + value.length;
  }
  if (characters > MOST_CHARACTERS) throw new Unusable(`returned headers of ${characters} characters, and the limit is ${MOST_CHARACTERS}`);
  return { values: Object.fromEntries(entries), untilMs: until('expiresAt', expiresAt, nowMs) };
}

function checkHeader(name: string, value: unknown): void {
  const lower = name.toLowerCase();
  if (name === '') throw new Unusable('returned a header whose name is empty');
  if (!NAME.test(name)) throw new Unusable('returned a header whose name has a character that names of headers cannot have');
  if (FORBIDDEN.has(lower) || lower.startsWith('proxy-') || lower.startsWith('sec-'))
    throw new Unusable(`returned the header '${name}', which a browser does not let a page set`);
  if (OURS.has(lower)) throw new Unusable(`returned the header '${name}', which each request has already`);
  if (typeof value !== 'string') throw new Unusable(`returned the header '${name}' as ${article(kindOf(value))}, where a string is needed`);
  if (!VALUE.test(value))
    throw new Unusable(`returned the header '${name}' with a line break or another character that values of headers cannot have`);
}

function keysOf(returned: object, nowMs: number): Returned {
  const { sessionToken, expiration } = returned as Partial<AwsCredentials>;
  const values: Record<string, string> = {};
  for (const name of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
    const value: unknown = (returned as Partial<AwsCredentials>)[name];
    // Providers name a token that credentials do not have, and leave it out.
    if (name === 'sessionToken' && (sessionToken === undefined || sessionToken === null)) continue;
    if (typeof value !== 'string') throw new Unusable(`returned an object whose '${name}' must be a string, got ${article(kindOf(value))}`);
    if (value.trim() === '') throw new Unusable(`returned an object whose '${name}' is empty`);
    if (!VALUE.test(value))
      throw new Unusable(`returned an object whose '${name}' has a line break or another character that keys cannot have`);
    if (value.length > MOST_CHARACTERS)
      throw new Unusable(`returned an object whose '${name}' is longer than ${MOST_CHARACTERS} characters`);
    values[name] = value;
  }
  return { values, untilMs: until('expiration', expiration, nowMs) };
}

/** Until when credentials are used that expire at an instant, and that were made at `nowMs`. */
function until(name: string, instant: unknown, nowMs: number): number {
  if (instant === undefined || instant === null) return nowMs + KEPT_MS;
  const known = instant instanceof Date || typeof instant === 'number' || typeof instant === 'string';
  const atMs = known ? new Date(instant).getTime() : Number.NaN;
  if (Number.isNaN(atMs))
    throw new Unusable(
      `returned an object whose '${name}' is not a time: a Date, ms since the epoch or a string in ISO 8601 is needed, got ${article(kindOf(instant))}`,
    );
  if (atMs <= nowMs)
    throw new Unusable(
      `returned credentials that have expired: '${name}' is ${new Date(atMs).toISOString()} (numbers are ms since the epoch)`,
    );
  return atMs - Math.min(EARLY_MS, (atMs - nowMs) / 10);
}

/** The kind of a value with its article. */
const article = (kind: string) => (kind === 'undefined' ? kind : `${/^[aeio]/i.test(kind) ? 'an' : 'a'} ${kind}`);
