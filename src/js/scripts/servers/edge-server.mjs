// The server that the tests of the engine's browser edge (tests/web) connect to: WebSockets and responses of every kind.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/** Sockets that watch a room, by its name: they hear who has left. */
const watchers = new Map();
/** Responses that wait to be broken off, by room. */
const cuttable = new Map();
/** How many messages of a flood are off to the network, by room. */
const flooded = new Map();
let answered = 0;

const left = (room) => {
  for (const socket of watchers.get(room) ?? []) socket.send('left');
};

const greet = (socket) => {
  for (const word of ['one', Buffer.from([1, 2, 3]), 'two']) socket.send(word);
};

/** The conversations over a WebSocket, by path. */
const TALKS = {
  '/echo': (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  '/greet': (socket) => {
    greet(socket);
    socket.close();
  },
  '/greet-and-stay': (socket) => greet(socket),
  '/break': (socket) => socket.send('last', () => socket.terminate()),
  '/watch': (socket, { room }) => {
    watchers.set(room, [...(watchers.get(room) ?? []), socket]);
    socket.send('watching');
  },
  // Breaks the response of a room off, once its reader has what was sent.
  '/cut': (socket, { room }) => {
    cuttable.get(room).destroy();
    socket.close();
  },
  '/join': (socket, { room }) => {
    socket.on('close', () => left(room));
    socket.send('joined');
  },
  '/bye': (socket) => socket.close(),
  // Numbered messages, each sent when the network has taken the one before.
  '/flood': async (socket, { room, count, bytes }) => {
    socket.on('close', () => left(room));
    for (let number = 0; number < Number(count); number++) {
      const message = Buffer.alloc(Number(bytes), number);
      message.writeUInt32LE(number);
      const failure = await new Promise((taken) => socket.send(message, taken));
      if (failure) return;
      flooded.set(room, number + 1);
    }
  },
  // Says how far the flood of a room has come.
  '/flooded': (socket, { room }) => {
    socket.send(String(flooded.get(room) ?? 0));
    socket.close();
  },
};

/** How a GET request is answered, by path. */
const ANSWERS = {
  '/pieces': async (response) => {
    for (let piece = 1; piece <= 5; piece++) {
      if (!response.write(Buffer.alloc(piece * 1000, piece))) await once(response, 'drain');
    }
    response.end();
  },
  '/headers': (response, _, request) => response.end(JSON.stringify(request.headers)),
  '/absent': (response) => response.writeHead(404).end('nothing here'),
  '/bodiless': (response) => response.writeHead(204).end(),
  '/break': (response, { room }) => {
    cuttable.set(room, response);
    response.writeHead(200, { 'content-length': '100' });
    response.write('abc');
  },
  '/endless': (response, { room }) => {
    response.on('close', () => left(room));
    response.write('first');
  },
  '/count': (response) => response.writeHead(200, { 'cache-control': 'max-age=1000' }).end(String(++answered)),
};

/** Makes the server; the caller lets it listen. */
export function edgeServer() {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url, 'http://localhost');
    const talk = TALKS[url.pathname];
    if (!talk) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (open) => talk(open, Object.fromEntries(url.searchParams)));
  });
  server.on('request', (request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const url = new URL(request.url, 'http://localhost');
    const answer = ANSWERS[url.pathname] ?? ANSWERS['/absent'];
    answer(response, Object.fromEntries(url.searchParams), request);
  });
  return server;
}
