// A static file server without any special header, as a plain static host is.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.map': 'application/json',
  '.ndjson': 'application/x-ndjson',
  '.csv': 'text/csv',
};

/** The path that a request names; undefined if it cannot be read, or no file can have such a name. */
function pathOf(url) {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    return path.includes('\0') ? undefined : path;
  } catch {
    return undefined;
  }
}

/**
 * Serves `root` on this machine only. `mounts` maps URL prefixes to other folders; `headers` are added to every answer; `answer` may answer
 * a request in place of the file, and then returns true.
 * @returns {Promise<{server: import('node:http').Server, port: number, url: string}>}
 */
export function serve(root, { port = 0, mounts = {}, headers = {}, types = TYPES, answer } = {}) {
  const server = createServer((request, response) => {
    const path = pathOf(request.url);
    if (path === undefined) return response.writeHead(400).end('not a path');
    if (answer?.(path, response)) return;
    const mount = Object.keys(mounts).find((prefix) => path.startsWith(prefix));
    const base = normalize(mount ? mounts[mount] : root);
    // A mount without a trailing slash is one file.
    let file = mount && !mount.endsWith('/') ? base : normalize(join(base, mount ? path.slice(mount.length) : path));
    if (file !== base && !file.startsWith(base.endsWith(sep) ? base : base + sep)) return response.writeHead(403).end();
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, 'index.html');
    if (!existsSync(file)) return response.writeHead(404).end('not found');
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'cache-control': 'no-cache',
      ...headers,
    });
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () =>
      resolve({ server, port: server.address().port, url: `http://localhost:${server.address().port}` }),
    );
  });
}
