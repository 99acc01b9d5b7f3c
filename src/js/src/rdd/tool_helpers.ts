/**
 * Names that tools put into functions, and which nobody wrote: esbuild's `--keep-names` wraps functions in `__name(f, "f")`, istanbul
 * counts lines in `cov_…()`, React's fast refresh signs functions. In an executor, where the tool's own helper does not exist, they do
 * nothing.
 */
import { closing, declarations, type Token, tokenize } from './free_variables.js';

const KEEP_NAME = '(f) => f';
/** Counters that swallow what is counted: whatever is read of them is the same object, which is 0 as a number. */
const COVERAGE =
  '() => { const any = new Proxy(function () {}, { get: (_, key) => (key === Symbol.toPrimitive ? () => 0 : any), set: () => true }); return any; }';
const KNOWN: Readonly<Record<string, string>> = { __name: KEEP_NAME, $RefreshSig$: '() => (f) => f', $RefreshReg$: '() => {}' };
const COVERED = /^cov_\w+$/;
/** A minifier has renamed the helper: such names are short. */
const RENAMED = /^[\w$]{1,3}$/;

/** Helpers by the text of a function: streams call with the same functions batch after batch. */
const known = new Map<string, string>();

/** A function's text as an expression in which the helpers that it names exist. */
export function withHelpers(text: string): string {
  let whole = known.get(text);
  if (whole === undefined) {
    const helpers = helpersOf(text).map(([name, definition]) => `const ${name} = ${definition};`);
    whole = helpers.length === 0 ? text : `(() => { ${helpers.join(' ')} return (${text}\n); })()`;
    if (known.size > 10_000) known.clear();
    known.set(text, whole);
  }
  return whole;
}

/** The helpers that a text names and does not declare, each with a definition that does nothing. */
function helpersOf(text: string): [name: string, definition: string][] {
  const tokens = tokenize(text);
  // What cannot be read for sure is searched for the names that are nothing else.
  if (!tokens) return [...new Set(text.match(/\b(?:__name|cov_\w+)\b/g) ?? [])].map((name) => [name, KNOWN[name] ?? COVERAGE]);
  const declared = declarations(tokens);
  const found = new Map<string, string>();
  for (const { kind, text: name } of tokens) {
    if (kind !== 'name' || found.has(name) || declared.has(name)) continue;
    if (Object.hasOwn(KNOWN, name)) found.set(name, KNOWN[name]!);
    else if (COVERED.test(name)) found.set(name, COVERAGE);
    else if (RENAMED.test(name) && keepsNames(tokens, name)) found.set(name, KEEP_NAME);
  }
  return [...found];
}

/** Whether a name is only called as esbuild's helper is: with a function, or with the name of one, and a string. */
function keepsNames(tokens: readonly Token[], name: string): boolean {
  const functions = new Set<string>();
  tokens.forEach(({ text }, i) => {
    if (text === 'function') functions.add(tokens[i + 1]?.text === '*' ? (tokens[i + 2]?.text ?? '') : (tokens[i + 1]?.text ?? ''));
  });
  return tokens.every(({ kind, text }, i) => {
    if (kind !== 'name' || text !== name) return true;
    if (tokens[i - 1]?.text === '.' || tokens[i + 1]?.text !== '(') return false;
    const end = closing(tokens, i + 1);
    const [comma, label] = [tokens[end - 2], tokens[end - 1]];
    if (comma?.text !== ',' || label?.kind !== 'text' || label.text === '/' || commas(tokens, i + 2, end) !== 1) return false;
    const first = tokens[i + 2]!;
    if (end - 2 === i + 3) return first.text === 'this' || functions.has(first.text);
    return isFunction(tokens, i + 2);
  });
}

/** How many commas there are between two places, but for those in brackets. */
function commas(tokens: readonly Token[], from: number, to: number): number {
  let found = 0;
  for (let i = from; i < to; i++) {
    const { kind, text } = tokens[i]!;
    if (kind !== 'punct') continue;
    if (text === ',') found++;
    else if ('([{'.includes(text)) i = closing(tokens, i);
  }
  return found;
}

/** Whether a function or a class begins at a place. */
function isFunction(tokens: readonly Token[], at: number): boolean {
  const { text } = tokens[at]!;
  if (text === 'function' || text === 'class') return true;
  if (text === 'async') return isFunction(tokens, at + 1);
  if (text === '(') return tokens[closing(tokens, at) + 1]?.text === '=>';
  return tokens[at + 1]?.text === '=>';
}
