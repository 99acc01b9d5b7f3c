import { createGrpcTransport } from '@connectrpc/connect-node';
import type { OpenRemote } from '../cluster/backend.js';
import { RemoteDriver } from './driver.js';

/** Opens a session over gRPC itself, on HTTP/2: for Node.js. */
export const openRemote: OpenRemote = (address, receive) =>
  new RemoteDriver(address, (baseUrl) => createGrpcTransport({ baseUrl }), receive);
