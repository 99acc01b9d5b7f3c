import type { OpenRemote } from '../cluster/backend.js';
import { WorkerLoadError } from '../errors.js';

/** Loads what opens sessions of a Spark cluster: over HTTP/2 in Node.js, over gRPC-Web elsewhere. */
export async function loadRemote(): Promise<OpenRemote> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  try {
    const { openRemote } = await (process?.versions?.node ? import('../remote/node.js') : import('../remote/web.js'));
    return openRemote;
  } catch (cause) {
    throw new WorkerLoadError('The part for Spark clusters could not be loaded', 'remote.js beside the package', String(cause), cause);
  }
}
