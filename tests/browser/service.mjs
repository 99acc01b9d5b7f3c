// Kinesis for tests: servers that speak its protocol (kinesis-local, moto), and one in front of them that has no time, loses answers and
// lets iterators expire.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { JS } from '../../src/js/scripts/paths.mjs';
import { freePort, started } from './broker.mjs';

const JSON_TYPE = 'application/x-amz-json-1.1';
/** Most records of a request. */
const PER_REQUEST = 500;
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a server does for tests, by its address. */
function service(url, stop) {
  const call = async (action, body) => {
    const headers = {
      'Content-Type': JSON_TYPE,
      'X-Amz-Target': `Kinesis_20131202.${action}`,
      'X-Amz-Date': '20260101T000000Z',
      Authorization: 'AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date, Signature=00',
    };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };
  const shards = async (StreamName) => (await call('ListShards', { StreamName })).Shards;
  const open = async (stream) => (await shards(stream)).filter((shard) => !shard.SequenceNumberRange.EndingSequenceNumber);
  /** Waits until the stream has changed as it was asked to. */
  const active = async (StreamName) => {
    for (;;) {
      const { StreamDescriptionSummary: of } = await call('DescribeStreamSummary', { StreamName });
      if (of.StreamStatus === 'ACTIVE') return;
      await later(50);
    }
  };
  return {
    url,
    stop,
    call,
    shards,
    /** Makes a stream. */
    async create(StreamName, ShardCount) {
      await call('CreateStream', { StreamName, ShardCount });
      await active(StreamName);
    },
    /** Writes records, `{ key, value }`. */
    async put(StreamName, records) {
      for (let from = 0; from < records.length; from += PER_REQUEST) {
        const some = records.slice(from, from + PER_REQUEST);
        const Records = some.map(({ key, value }) => ({ PartitionKey: key, Data: Buffer.from(value).toString('base64') }));
        await call('PutRecords', { StreamName, Records });
      }
    },
    /** Splits the first open shard in half. */
    async split(StreamName) {
      const [{ ShardId, HashKeyRange }] = await open(StreamName);
      const middle = (BigInt(HashKeyRange.StartingHashKey) + BigInt(HashKeyRange.EndingHashKey)) / 2n;
      await call('SplitShard', { StreamName, ShardToSplit: ShardId, NewStartingHashKey: String(middle) });
      await active(StreamName);
    },
    /** Merges the first two open shards, by their keys. */
    async merge(StreamName) {
      const from = (shard) => BigInt(shard.HashKeyRange.StartingHashKey);
      const [one, other] = (await open(StreamName)).sort((a, b) => (from(a) < from(b) ? -1 : 1));
      await call('MergeShards', { StreamName, ShardToMerge: one.ShardId, AdjacentShardToMerge: other.ShardId });
      await active(StreamName);
    },
    /** Reads all records of a stream, `{ key, value }`. */
    async read(StreamName) {
      const records = [];
      for (const { ShardId } of await shards(StreamName)) {
        let { ShardIterator } = await call('GetShardIterator', { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
        while (ShardIterator) {
          const page = await call('GetRecords', { ShardIterator });
          records.push(...page.Records.map(({ PartitionKey: key, Data }) => ({ key, value: String(Buffer.from(Data, 'base64')) })));
          ShardIterator = page.Records.length > 0 ? page.NextShardIterator : undefined;
        }
      }
      return records;
    },
  };
}

/** Starts kinesis-local, which pages can reach. */
export async function startKinesis() {
  const [port, tls] = [await freePort(), await freePort()];
  // It looks for its files in its own folder.
  const cwd = dirname(createRequire(join(JS, 'package.json')).resolve('kinesis-local/package.json'));
  const env = { ...process.env, KINESIS_MOCK_PLAIN_PORT: String(port), KINESIS_MOCK_TLS_PORT: String(tls), LOG_LEVEL: 'ERROR' };
  const child = spawn(process.execPath, ['main.js'], { cwd, env, stdio: 'ignore' });
  const kinesis = service(`http://127.0.0.1:${port}/`, () => child.kill('SIGKILL'));
  for (let tries = 0; ; tries++) {
    try {
      await kinesis.call('ListStreams', {});
      return kinesis;
    } catch (error) {
      if (tries > 300) throw error;
      await later(100);
    }
  }
}

/** Starts moto's server. */
export async function startMoto(program) {
  const port = await freePort();
  const child = await started(program, ['-p', String(port)], /Running on/);
  child.removeAllListeners('exit');
  return service(`http://127.0.0.1:${port}/`, () => child.kill('SIGKILL'));
}

/** Starts a server in front of another that does one request in `every` wrong; `draw` draws numbers. */
export async function startTrouble(origin, draw, every) {
  const seen = {};
  const note = (what) => (seen[what] = (seen[what] ?? 0) + 1);
  const server = createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', async () => {
      try {
        const action = request.headers['x-amz-target'].split('.')[1];
        const say = (status, body) => response.writeHead(status, { 'Content-Type': JSON_TYPE }).end(JSON.stringify(body));
        const fail = (status, kind) => {
          note(kind);
          say(status, { __type: kind, message: 'on purpose' });
        };
        const body = JSON.parse(String(Buffer.concat(pieces)));
        const wrong = draw(every) === 0 ? draw(5) : -1;
        if (wrong === 0) return fail(400, 'ProvisionedThroughputExceededException');
        if (wrong === 1) return fail(500, 'InternalFailure');
        if (wrong === 2 && action === 'GetRecords') return fail(400, 'ExpiredIteratorException');
        if (wrong === 3 && action === 'PutRecords') {
          // Half of the records are written.
          note('half');
          const half = body.Records.filter((_, at) => at % 2 === 0);
          const { Records } = await origin.call(action, { ...body, Records: half });
          const failed = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'on purpose' };
          return say(200, { Records: body.Records.map((_, at) => (at % 2 === 0 ? Records[at / 2] : failed)) });
        }
        const answer = await origin.call(action, body);
        if (wrong === 4) {
          note('lost');
          return request.socket.destroy();
        }
        say(200, answer);
      } catch (error) {
        const told = /(\d{3}) (\{.*\})$/s.exec(error.message);
        response.writeHead(told ? Number(told[1]) : 500, { 'Content-Type': JSON_TYPE }).end(told ? told[2] : '{}');
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
