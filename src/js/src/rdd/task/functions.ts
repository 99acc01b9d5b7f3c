import { SparkRuntimeException, SparkTypeError } from '../../errors.js';
import { loadModule } from '../../load_module.js';
import type { Call, FunctionSource } from '../job_plan.js';

/** A user's function; what is bound to it comes as its last argument. */
export type UserFunction = (...args: unknown[]) => unknown;

/**
 * Loads functions into a worker: source text as one module made of a Blob (a page's Content-Security-Policy must allow
 * `blob:` in `script-src`), others from where their page has them.
 */
export async function loadFunctions(sources: readonly FunctionSource[], load = importText): Promise<UserFunction[]> {
  const expressions = sources.map((s) => ('source' in s ? `(${s.source}\n)` : 'undefined'));
  let own: unknown[] = [];
  if (sources.some((s) => 'source' in s))
    own = ((await load(`export default () => [${expressions.join(',\n')}];`)) as { default: () => unknown[] }).default();
  return Promise.all(
    sources.map(async (s, i) => {
      const found = 'source' in s ? own[i] : await importExported(s.module, s.export);
      if (typeof found !== 'function') {
        throw new SparkTypeError('module' in s ? `${s.module} exports no function ${s.export}` : 'a function came without its text');
      }
      return found as UserFunction;
    }),
  );
}

/** Modules by their text: a worker keeps each for ever, so the jobs of a stream must not make the same ones again and again. */
const modules = new Map<string, Promise<unknown>>();

function importText(text: string): Promise<unknown> {
  let found = modules.get(text);
  if (!found) {
    modules.set(text, (found = importNew(text)));
    found.catch(() => modules.delete(text));
  }
  return found;
}

/** A text as a module. */
async function importNew(text: string): Promise<unknown> {
  // Where no modules are loaded from Blobs, the text is the URL.
  if ((globalThis as { rivuletLoadsText?: boolean }).rivuletLoadsText)
    return loadModule(`data:text/javascript,${encodeURIComponent(text)}`);
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  let directive = '';
  const note = ({ effectiveDirective }: SecurityPolicyViolationEvent) => {
    directive = effectiveDirective;
  };
  globalThis.addEventListener?.('securitypolicyviolation', note);
  try {
    return await loadModule(url);
  } catch (cause) {
    // The text was a function of the page's: it has no errors of its own. The report comes after the refusal.
    if (!(cause instanceof TypeError)) throw cause;
    for (let turn = 0; turn < 3 && !directive; turn++) await new Promise((go) => setTimeout(go, 10));
    throw new SparkTypeError(
      `The ${directive ? `Content-Security-Policy (${directive})` : 'browser'} refuses to load a function into the executor: functions ` +
        `travel as text and are loaded through a Blob (${String(cause)}). Add blob: to script-src, or give the function as { module, export }.`,
      { condition: 'RIVULET_FUNCTION_CSP', cause },
    );
  } finally {
    globalThis.removeEventListener?.('securitypolicyviolation', note);
    URL.revokeObjectURL(url);
  }
}

/** A function that a module exports. */
async function importExported(module: string, name: string): Promise<unknown> {
  try {
    return ((await loadModule(module)) as Record<string, unknown>)[name];
  } catch (cause) {
    throw new SparkTypeError(
      `The module of a function could not be loaded into the executor: ${module} (${String(cause)}). Its URL is relative to the page.`,
      { condition: 'RIVULET_FUNCTION_MODULE', cause },
    );
  }
}

/** Calls with what is bound to them in place. */
export function bind(functions: readonly UserFunction[], call: Call, bound: (blob: number) => unknown): UserFunction {
  const f = functions[call.f];
  if (!f) throw new SparkRuntimeException(`the plan has no function ${call.f}`);
  if (call.bound === undefined) return f;
  const extra = bound(call.bound);
  // Rest parameters are an array per call.
  return function (a, b) {
    switch (arguments.length) {
      case 1:
        return f(a, extra);
      case 2:
        return f(a, b, extra);
      default:
        return f(...arguments, extra);
    }
  };
}
