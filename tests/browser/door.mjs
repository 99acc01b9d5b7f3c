// A server in front of another that lets in only requests with the key of the moment, and repeats what it was sent when it refuses.
import { once } from 'node:events';
import { createServer } from 'node:http';

const EXPOSED = 'rivulet-next-offset';

/** What differs between the systems: which key a request has, what a refusal is, and what the server after the door is to be sent. */
const SYSTEMS = {
  kafka: {
    keyOf: ({ authorization = '' }) => authorization.replace(/^Bearer /, ''),
    refusal: (key) => ({ status: 401, type: 'application/json', body: { message: `the token ${key} is not the one of now` } }),
    inner: ({ authorization: _, ...headers }) => ({ ...headers, authorization: 'Bearer inner' }),
  },
  kinesis: {
    keyOf: ({ authorization = '', 'x-amz-security-token': token = '' }) =>
      authorization.includes(`Credential=id-of-${token}/`) ? token : `not signed by the key of ${token}`,
    refusal: (key, type) => ({ status: 400, type: 'application/x-amz-json-1.1', body: { __type: type, message: `expired: ${key}` } }),
    inner: (headers) => headers,
  },
};

/** The body of a request. */
async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * Starts a door to `url` for pages of `origin`. The key is `hush-hush-N`: `N` is `number`, and grows by one after each `every` requests
 * that were let in. `refused` and `letIn` count requests; `kind` is the name of Kinesis's refusals.
 */
export async function startDoor(system, url, origin) {
  const { keyOf, refusal, inner } = SYSTEMS[system];
  const door = { number: 1, every: Number.POSITIVE_INFINITY, letIn: 0, refused: 0, rotations: 0, kind: 'ExpiredTokenException' };
  const server = createServer(async (request, response) => {
    const { host: _, connection: __, 'accept-encoding': ___, ...headers } = request.headers;
    const allowed = {
      'access-control-allow-origin': origin,
      'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-expose-headers': EXPOSED,
    };
    if (request.method === 'OPTIONS') return response.writeHead(204, allowed).end();
    const body = await bodyOf(request);
    const key = keyOf(headers);
    if (key !== door.key) {
      door.refused += 1;
      const { status, type, body: said } = refusal(key, door.kind);
      return response.writeHead(status, { ...allowed, 'content-type': type }).end(JSON.stringify(said));
    }
    door.letIn += 1;
    if (door.letIn % door.every === 0) {
      door.number += 1;
      door.rotations += 1;
    }
    const answered = await fetch(url + request.url.slice(1), { method: request.method, headers: inner(headers), body });
    const next = answered.headers.get(EXPOSED);
    const type = answered.headers.get('content-type') ?? 'application/octet-stream';
    response.writeHead(answered.status, { ...allowed, 'content-type': type, ...(next && { [EXPOSED]: next }) });
    response.end(Buffer.from(await answered.arrayBuffer()));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  Object.defineProperty(door, 'key', { get: () => `hush-hush-${door.number}` });
  return Object.assign(door, {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  });
}
