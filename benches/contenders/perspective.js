// Perspective: streaming tables and live views in a worker; here for its cold start.
import { stream } from '../workloads/arrow.js';

const DIST = '/npm/@perspective-dev';
let client;

async function cold({ rows: { k, v } }) {
  const table = await client.table(stream({ k: ['int', k], v: ['double', v] }).slice().buffer);
  const view = await table.view({ group_by: ['k'], columns: ['n', 'v'], expressions: { n: '"v"' }, aggregates: { n: 'count', v: 'sum' } });
  const { __ROW_PATH__: paths, n, v: sums } = await view.to_columns();
  // The first row has the total.
  return paths.slice(1).map(([key], i) => ({ k: key, n: n[i + 1], v: sums[i + 1] }));
}

export default () => ({
  async start() {
    const { default: perspective } = await import(`${DIST}/client/dist/cdn/perspective.js`);
    perspective.init_client(fetch(`${DIST}/client/dist/wasm/perspective-js.wasm`));
    perspective.init_server(fetch(`${DIST}/server/dist/wasm/perspective-server.wasm`));
    client = await perspective.worker();
  },
  runs: { cold },
});
