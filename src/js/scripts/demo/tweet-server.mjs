// A WebSocket server that sends the demo's tweets: every connection gets the same stream from its start. /tweets has
// random words, /opinions has held-out review sentences.
//   node tweet-server.mjs [--port 8788] [--rate 500] [--limit N]
// A connection may choose for itself: ws://localhost:8788/tweets?rate=200&limit=6000&seed=7&step=300

import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { OpinionGenerator, splitSentences } from '../../../../www/opinions.js';
import { TweetGenerator } from '../../../../www/tweets.js';
import { sentences } from './site.mjs';

const TICK_MS = 50;
const BUFFER_BYTES = 4 << 20;

/** Starts the server; resolves to it and its port. */
export function serveTweets({ port = 0, rate = 500, limit = Infinity, options = {} } = {}) {
  const verifyClient = ({ req }, answer) => answer(URL.canParse(req.url, 'ws://localhost'), 400);
  const server = new WebSocketServer({ port, host: '127.0.0.1', verifyClient });
  server.on('connection', (socket, request) => {
    const { pathname, searchParams: wish } = new URL(request.url, 'ws://localhost');
    const number = (name, fallback) => (wish.has(name) ? Number(wish.get(name)) : fallback);
    const perSecond = number('rate', rate);
    const last = number('limit', limit);
    const wished = { ...options, ...(wish.has('seed') && { seed: number('seed') }), ...(wish.has('step') && { stepMs: number('step') }) };
    const generator =
      pathname === '/opinions' ? new OpinionGenerator(splitSentences(sentences()).heldOut, wished) : new TweetGenerator(wished);
    const startedMs = Date.now();
    const timer = setInterval(() => {
      if (socket.bufferedAmount > BUFFER_BYTES) return;
      const due = Math.min(Math.floor(((Date.now() - startedMs) / 1_000) * perSecond), last);
      const count = Math.min(due - generator.index, 5_000);
      if (count > 0) socket.send(generator.lines(count));
      if (generator.index >= last) clearInterval(timer);
    }, TICK_MS);
    socket.on('close', () => clearInterval(timer));
    socket.on('error', () => clearInterval(timer));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      const base = `ws://localhost:${server.address().port}`;
      resolve({ server, port: server.address().port, url: `${base}/tweets`, opinions: `${base}/opinions` });
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8788' }, rate: { type: 'string', default: '500' }, limit: { type: 'string' } },
  });
  const { url } = await serveTweets({
    port: Number(values.port),
    rate: Number(values.rate),
    limit: values.limit ? Number(values.limit) : Infinity,
  });
  console.log(`tweets: ${url}`);
}
