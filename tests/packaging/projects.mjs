// Projects of strangers: a folder with a tool's packages, the package beside them, and a page that runs the programs.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CACHE, PKG } from '../../src/js/scripts/paths.mjs';

const HERE = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const HOME = join(CACHE, 'packaging');
/** Tools by name: the npm packages of each, with their versions. */
export const TOOLS = JSON.parse(readFileSync(join(HERE, 'tools.json'), 'utf8'));

/** A tool that cannot be had here: its cases are not run, which is neither passed nor failed. */
export class NotRun extends Error {}

/** The folder of a tool, its packages installed by npm; throws {@link NotRun} where they cannot be. */
export function installed(tool) {
  const folder = join(HOME, tool);
  const dependencies = TOOLS[tool];
  const wanted = JSON.stringify({ private: true, type: 'module', dependencies });
  const done = join(folder, 'node_modules/.rivulet-installed');
  if (!existsSync(done) || readFileSync(done, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), wanted);
    try {
      execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent'], { cwd: folder, stdio: 'pipe', timeout: 300_000 });
    } catch (error) {
      throw new NotRun(`npm install of ${Object.keys(dependencies).join(', ')} failed: ${lastLine(error.stderr)}`);
    }
    writeFileSync(done, wanted);
  }
  withPackage(folder);
  return folder;
}

const lastLine = (output) =>
  String(output ?? '')
    .trim()
    .split('\n')
    .at(-1);

let packed;
/** Unpacks the tarball that npm would publish, once. */
function unpacked() {
  if (packed) return packed;
  const folder = join(HOME, 'package');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: PKG, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  execFileSync('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', folder]);
  packed = { folder, tarball: join(folder, filename) };
  return packed;
}

/** The tarball that npm would publish. */
export const tarball = () => unpacked().tarball;

/** Puts the package into a folder's node_modules, as files of its own: tools treat links as sources of the project. */
function withPackage(folder) {
  const place = join(folder, 'node_modules/rivulet');
  rmSync(place, { recursive: true, force: true });
  execFileSync('cp', ['-rl', unpacked().folder, place]);
  rmSync(join(place, tarball().split('/').at(-1)), { force: true });
}

/** What belongs to a tool and not to a project in its folder. */
const KEPT = new Set(['node_modules', 'package.json', 'package-lock.json']);

/**
 * Makes a project in a tool's folder, in place of the one before: the programs, `main.js` that runs them, a page for it, and further files by name.
 * `entry` is what the programs import; `copies` are further files of this folder.
 */
export function project(tool, { entry = 'rivulet', files = {}, copies = [] } = {}) {
  const root = installed(tool);
  for (const name of readdirSync(root)) if (!KEPT.has(name)) rmSync(join(root, name), { recursive: true, force: true });
  // What a tool remembers of the package before.
  for (const name of ['.vite', '.vite-temp', '.cache']) rmSync(join(root, 'node_modules', name), { recursive: true, force: true });
  for (const name of ['programs.js', ...copies]) copyFileSync(join(HERE, name), join(root, name));
  if (entry !== 'rivulet') {
    const text = readFileSync(join(root, 'programs.js'), 'utf8');
    writeFileSync(join(root, 'programs.js'), text.replace("from 'rivulet'", `from '${entry}'`));
  }
  const own = {
    'main.js': "import { run } from './programs.js';\n\nrun();\n",
    'index.html': '<!doctype html><meta charset="utf-8"><title>stranger</title><script type="module" src="./main.js"></script>\n',
    ...files,
  };
  for (const [file, text] of Object.entries(own)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

/** Runs a program of a project's packages to its end; what it printed is in the error if it fails. */
export function run(root, command, args, { env = {}, seconds = 240 } = {}) {
  try {
    return execFileSync(command, args, {
      cwd: root,
      stdio: 'pipe',
      timeout: seconds * 1_000,
      env: { ...process.env, CI: '1', ...env },
    }).toString();
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')} failed: ${`${error.stdout ?? ''}${error.stderr ?? ''}`.trim().slice(-1_500)}`);
  }
}

/** A program of a tool's packages. */
export const bin = (tool, name) => join(HOME, tool, 'node_modules/.bin', name);
/** A module of a tool's packages. */
export const module = (tool, path) => join(HOME, tool, 'node_modules', path);
