// A WebSocket server for as long as something takes.
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

/** Calls `work` with the URL of a server that hands each socket to `connected`. */
export async function serving(connected, work) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', connected);
  await once(server, 'listening');
  try {
    return await work(`ws://localhost:${server.address().port}/`);
  } finally {
    for (const socket of server.clients) socket.terminate();
    server.close();
  }
}
