import { IllegalArgumentException } from '../errors.js';

/** The port of Spark Connect's server where none is named. */
const DEFAULT_PORT = 15_002;

/** What a connection string says. */
export interface Address {
  /** `http://host:port`, or `https://…`. */
  url: string;
  /** Headers of every request: the token, and what else the string names. */
  headers: Record<string, string>;
  /** Id of the session to join, a UUID; undefined for a session of its own. */
  sessionId: string | undefined;
  /** The user that sessions belong to. */
  userId: string;
  /** What the client says that it is. */
  userAgent: string;
}

/** Parameters that are not headers. */
const KNOWN = new Set(['use_ssl', 'token', 'user_id', 'user_agent', 'session_id']);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i;

/**
 * Reads a connection string of Spark Connect: `sc://host[:port][/;key=value…]`, with the keys `token`, `use_ssl`, `user_id`,
 * `session_id` and `user_agent`; others become headers (`DefaultChannelBuilder`). A token asks for TLS, unless the host is this
 * machine. Throws RIVULET_REMOTE_ADDRESS, which says what is wrong, but does not repeat a token.
 */
export function addressOf(text: string): Address {
  const parts = /^sc:\/\/(\[[^\]]*\]|[^/:;?#[\]@\s]+)(?::(\d+))?(?:\/(?:;(.*))?)?$/i.exec(text.trim());
  const port = Number(parts?.[2] ?? DEFAULT_PORT);
  if (!parts || port < 1 || port > 65_535) {
    throw wrong(`'${text.trim().replace(/;.*/s, '')}' is not a connection string of Spark Connect: it is sc://host:port/;key=value`);
  }
  const host = parts[1]!;
  const given = new Map<string, string>();
  for (const parameter of (parts[3] ?? '').split(';').filter(Boolean)) {
    const at = parameter.indexOf('=');
    if (at < 1 || at === parameter.length - 1) {
      throw wrong(
        `The parameter ${at < 0 ? parameter : parameter.slice(0, at)} has no value: parameters are key=value, with semicolons between`,
      );
    }
    given.set(parameter.slice(0, at), decoded(parameter.slice(at + 1)));
  }
  const token = given.get('token');
  const ssl = given.get('use_ssl')?.toLowerCase();
  if (ssl !== undefined && ssl !== 'true' && ssl !== 'false') throw wrong(`use_ssl is true or false, not ${ssl}`);
  const isSecure = ssl === 'true' || (ssl === undefined && token !== undefined && !LOOPBACK.test(host));
  const sessionId = given.get('session_id');
  if (sessionId !== undefined && !UUID.test(sessionId)) throw wrong(`session_id is a UUID, not ${sessionId}`);
  const headers = Object.fromEntries([...given].filter(([key]) => !KNOWN.has(key)).map(([key, value]) => [key.toLowerCase(), value]));
  for (const [key, value] of Object.entries(headers)) {
    if (!/^[\w.-]+$/.test(key) || !/^[\x20-\x7e]*$/.test(value)) throw wrong(`The parameter ${key} cannot be a header`);
  }
  return {
    url: `${isSecure ? 'https' : 'http'}://${host}:${port}`,
    headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` },
    sessionId: sessionId?.toLowerCase(),
    userId: given.get('user_id') ?? 'rivulet',
    userAgent: given.get('user_agent') ?? 'rivulet-js',
  };
}

/** A value whose reserved characters were written as `%3B` and so on. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw wrong('A parameter has a % that stands for no character');
  }
}

function wrong(message: string): IllegalArgumentException {
  return new IllegalArgumentException(message, { condition: 'RIVULET_REMOTE_ADDRESS' });
}
