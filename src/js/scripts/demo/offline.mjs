// The service worker of the site: the files that it keeps, and the number of their build.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What no page of the site needs. */
const LEFT_OUT = /\.(map|d\.ts|md)$|^pkg\/(?!dist\/)(?!graph\.js)|dist\/(inline|cdn|remote-node|react|flume|sources)\.js$|^sw\.js$/;

/** Writes the files of an assembled site, and a number that they have, into its service worker. */
export function buildServiceWorker(out) {
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => statSync(join(out, name)).isFile() && !LEFT_OUT.test(name))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(out, file)));
  const worker = join(out, 'sw.js');
  const text = readFileSync(worker, 'utf8')
    .replace('__BUILD__', hash.digest('hex').slice(0, 16))
    .replace("['__FILES__']", () => JSON.stringify(files.map((file) => `./${file}`)));
  writeFileSync(worker, text);
}
