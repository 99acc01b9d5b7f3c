import type { Backend, OpenRemote } from '../cluster/backend.js';
import { WorkerLoadError } from '../errors.js';
import type { FromDriver } from '../protocol.js';

/** A session's backend that hears what the page's engine says. */
export interface Listening extends Backend {
  receive(message: FromDriver): void;
}

/** What the part for Spark clusters has. */
interface Remote {
  openRemote: OpenRemote;
  fallbackTo(address: string): (local: Backend, tell: (message: FromDriver) => void) => Listening;
}

/** Loads what opens sessions of a Spark cluster: over HTTP/2 in Node.js, over gRPC-Web elsewhere. */
export async function loadRemote(): Promise<Remote> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  try {
    return await (process?.versions?.node ? import('../remote/node.js') : import('../remote/web.js'));
  } catch (cause) {
    throw new WorkerLoadError('The part for Spark clusters could not be loaded', 'remote.js beside the package', String(cause), {
      reason: 'unknown',
      cause,
    });
  }
}
