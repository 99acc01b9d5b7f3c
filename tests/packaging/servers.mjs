// Servers of projects: of built files, or of tools that serve by themselves.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { serve } from '../../src/js/scripts/serve.mjs';

/** Serves a folder. */
export async function files(folder, options) {
  const { server, url } = await serve(folder, options);
  return { url, stop: () => server.close() };
}

/** A port that nobody listens to. */
export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Starts a server of a tool's, and waits until it answers. */
export async function command(root, program, args, port, env = {}) {
  const child = spawn(program, args, { cwd: root, stdio: 'pipe', detached: true, env: { ...process.env, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said = (said + data).slice(-2_000)));
  const url = `http://localhost:${port}/`;
  const stop = () => {
    try {
      process.kill(-child.pid);
    } catch {
      // It has ended by itself.
    }
  };
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return { url, stop };
    if (child.exitCode !== null || Date.now() > deadline) {
      stop();
      throw new Error(`${program} ${args.join(' ')} does not serve: ${said}`);
    }
    await new Promise((go) => setTimeout(go, 100));
  }
}
