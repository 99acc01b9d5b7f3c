import { createGrpcTransport } from '@connectrpc/connect-node';
import type { OpenRemote } from '../cluster/backend.js';
import { RemoteDriver } from './driver.js';
import { fallbackBy } from './fallback.js';

/** Opens a session over gRPC itself, on HTTP/2: for Node.js. */
export const openRemote: OpenRemote = (address, receive) =>
  new RemoteDriver(address, (baseUrl) => createGrpcTransport({ baseUrl }), receive);

/** Puts a cluster after the page's engine, for queries that it refuses. */
export const fallbackTo = fallbackBy(openRemote);
