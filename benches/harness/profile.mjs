// Where the time goes: CPU profiles of the page and each of its workers, through Chromium's DevTools protocol.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { JS } from '../../src/js/scripts/paths.mjs';

const { WebSocket } = createRequire(join(JS, 'package.json'))('ws');
const SAMPLE_US = 1_000;
const IDLE = new Set(['(idle)', '(program)', '(root)', '(garbage collector)']);

/** What Chromium must be launched with. */
export const profileFlags = (port) => [`--remote-debugging-port=${port}`];

/** Starts profiling all threads of the page at `url`; the result stops and gives, by thread, its profile. */
export async function startProfiles(port, url) {
  const { webSocketDebuggerUrl } = await (await fetch(`http://127.0.0.1:${port}/json/version`)).json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const waiting = new Map();
  const threads = new Map();
  let next = 0;
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      waiting.set(++next, { resolve, reject });
      socket.send(JSON.stringify({ id: next, method, params, sessionId }));
    });
  socket.on('message', (text) => {
    const { id, result, error, method, params } = JSON.parse(text);
    if (id) {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      return error ? reject(new Error(error.message)) : resolve(result);
    }
    if (method === 'Target.attachedToTarget') threads.set(params.sessionId, params.targetInfo);
  });
  const { targetInfos } = await send('Target.getTargets');
  const page = targetInfos.find((target) => target.type === 'page' && target.url.startsWith(url));
  const { sessionId } = await send('Target.attachToTarget', { targetId: page.targetId, flatten: true });
  await send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }, sessionId);
  await new Promise((go) => setTimeout(go, 500));
  for (const session of threads.keys()) {
    await send('Profiler.enable', {}, session);
    await send('Profiler.setSamplingInterval', { interval: SAMPLE_US }, session);
    await send('Profiler.start', {}, session);
  }
  return async () => {
    const profiles = [];
    for (const [session, { type, title }] of threads) {
      const { profile } = await send('Profiler.stop', {}, session);
      profiles.push({ thread: type === 'page' ? 'page' : title || type, profile });
    }
    socket.close();
    return profiles;
  };
}

/** A profile's busiest functions by own time, as lines of a table. */
export function busiest({ thread, profile }, count = 14) {
  const names = new Map(
    profile.nodes.map(({ id, callFrame }) => [
      id,
      callFrame.functionName || `(line ${callFrame.lineNumber + 1} of ${callFrame.url.split('/').at(-1)})`,
    ]),
  );
  const own = new Map();
  profile.samples.forEach((node, i) => {
    const name = names.get(node);
    own.set(name, (own.get(name) ?? 0) + profile.timeDeltas[i]);
  });
  const total = [...own.values()].reduce((sum, us) => sum + us, 0);
  const busy = total - [...own].reduce((sum, [name, us]) => sum + (name === '(idle)' ? us : 0), 0);
  const share = (us) => `${((100 * us) / total).toFixed(1).padStart(5)} %`;
  const top = [...own]
    .filter(([name]) => !IDLE.has(name) || name === '(garbage collector)')
    .sort((a, b) => b[1] - a[1])
    .slice(0, count);
  return [
    `${thread}: busy ${share(busy).trim()} of ${(total / 1e6).toFixed(1)} s`,
    ...top.map(([name, us]) => `  ${share(us)}  ${name.slice(0, 140)}`),
  ];
}
