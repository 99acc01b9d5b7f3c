import { createGrpcWebTransport } from '@connectrpc/connect-web';
import type { OpenRemote } from '../cluster/backend.js';
import { RemoteDriver } from './driver.js';
import { fallbackBy } from './fallback.js';

/** Opens a session over gRPC-Web, which is what a page has. */
export const openRemote: OpenRemote = (address, receive) =>
  new RemoteDriver(address, (baseUrl) => createGrpcWebTransport({ baseUrl }), receive);

/** Puts a cluster after the page's engine, for queries that it refuses. */
export const fallbackTo = fallbackBy(openRemote);
