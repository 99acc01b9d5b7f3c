/**
 * The free variables of a function, read from its source: what it names and does not declare. Such a name is the page's and does
 * not exist in a worker.
 *
 * It reads tokens, not a grammar, and errs to one side: what might be a declaration, a property or a label is not reported, and
 * of a text that cannot be read for sure (a slash that may divide or begin a regular expression) nothing is. What slips through
 * is an error of the task, with the same advice.
 */

/** A word, a number, a string or a sign of a source text. */
export interface Token {
  kind: 'name' | 'number' | 'text' | 'punct';
  text: string;
  newline: boolean;
}

const KEYWORDS = new Set(
  (
    'await break case catch class const continue debugger default delete do else export extends false finally for function if ' +
    'import in instanceof new null return super switch this throw true try typeof var void while with yield let static async of get set arguments ' +
    'undefined NaN Infinity eval'
  ).split(' '),
);
/** What dedicated workers have and show as ordinary, enumerable properties of their global object. */
const WORKER_NAMES = new Set(
  (
    'self console fetch crypto performance navigator location origin caches indexedDB atob btoa structuredClone ' +
    'queueMicrotask setTimeout clearTimeout setInterval clearInterval postMessage importScripts close reportError createImageBitmap ' +
    'requestAnimationFrame cancelAnimationFrame isSecureContext crossOriginIsolated scheduler trustedTypes fonts'
  ).split(' '),
);

/** Names in their order, each once. */
export function freeVariables(source: string): string[] {
  const tokens = tokenize(source);
  if (!tokens) return [];
  const declared = declarations(tokens);
  const free = new Set<string>();
  tokens.forEach((token, i) => {
    if (token.kind !== 'name' || KEYWORDS.has(token.text) || declared.has(token.text) || isKnown(token.text)) return;
    const before = tokens[i - 1]?.text;
    const after = tokens[i + 1]?.text;
    // A property, a key or label, a method's name, or a name that is only asked for its type.
    if (before === '.' || before === '?.' || before === '#' || before === 'typeof' || before === 'break' || before === 'continue') return;
    if (after === ':' && before !== '?' && !inConditional(tokens, i)) return;
    if (after === '(' && isMethod(tokens, i)) return;
    free.add(token.text);
  });
  return [...free];
}

/** Whether workers have a global of that name: all that is built in, which is not enumerable, and some more. */
function isKnown(name: string): boolean {
  if (WORKER_NAMES.has(name)) return true;
  const property = Object.getOwnPropertyDescriptor(globalThis, name);
  return property !== undefined && !property.enumerable && name !== 'window' && name !== 'document';
}

/** `a ? b : c`: the colon after b does not belong to a key. */
function inConditional(tokens: readonly Token[], at: number): boolean {
  let depth = 0;
  for (let i = at - 1; i >= 0; i--) {
    const { text, kind } = tokens[i]!;
    if (kind !== 'punct') continue;
    if (text === ')' || text === ']' || text === '}') depth++;
    else if (text === '(' || text === '[' || text === '{') {
      if (depth-- === 0) return false;
    } else if (depth === 0 && (text === ',' || text === ';')) return false;
    else if (depth === 0 && text === '?') return true;
  }
  return false;
}

/** `name(…) {` */
function isMethod(tokens: readonly Token[], at: number): boolean {
  return tokens[closing(tokens, at + 1) + 1]?.text === '{';
}

/** The place of the bracket that closes the one at `open`. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const { kind, text } = tokens[i]!;
    if (kind !== 'punct') continue;
    if (text === '(' || text === '[' || text === '{') depth++;
    else if ((text === ')' || text === ']' || text === '}') && --depth === 0) return i;
  }
  return tokens.length;
}

/** All names that are declared somewhere in the text, whatever their scope. */
export function declarations(tokens: readonly Token[]): Set<string> {
  const declared = new Set<string>();
  /** A name or a pattern; returns the place after it. */
  const pattern = (at: number): number => {
    const token = tokens[at];
    if (token?.text === '{' || token?.text === '[') {
      const end = closing(tokens, at);
      names(at + 1, end);
      return end + 1;
    }
    if (token?.kind === 'name') declared.add(token.text);
    return at + 1;
  };
  /** Names of a pattern or a parameter list: all that are not keys followed by a name of their own. */
  const names = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const { kind, text } = tokens[i]!;
      if (kind === 'name' && tokens[i + 1]?.text !== ':' && tokens[i - 1]?.text !== '.') declared.add(text);
    }
  };
  tokens.forEach(({ kind, text }, i) => {
    const next = tokens[i + 1];
    if (kind === 'name' && (text === 'function' || text === 'class')) {
      const at = next?.text === '*' ? i + 2 : i + 1;
      if (tokens[at]?.kind === 'name') declared.add(tokens[at].text);
    }
    if (kind === 'name' && (text === 'let' || text === 'const' || text === 'var')) {
      let at = pattern(i + 1);
      // Further declarators: after the commas of this level.
      let depth = 0;
      for (; at < tokens.length; at++) {
        const { kind: k, text: t, newline } = tokens[at]!;
        if (k === 'punct' && '([{'.includes(t)) depth++;
        else if (k === 'punct' && ')]}'.includes(t) && depth-- === 0) break;
        else if (depth === 0 && (t === ';' || (k === 'name' && (t === 'of' || t === 'in')))) break;
        else if (depth === 0 && newline && k === 'name' && tokens[at - 1]!.kind !== 'punct') break;
        else if (depth === 0 && k === 'punct' && t === ',') at = pattern(at + 1) - 1;
      }
    }
    if (text === '=>') {
      const before = tokens[i - 1]!;
      if (before.kind === 'name') declared.add(before.text);
    }
    if (text === '(' && kind === 'punct') {
      const end = closing(tokens, i);
      const head = tokens[i - 1];
      const statement = head?.kind === 'name' && ['if', 'while', 'switch', 'for', 'with'].includes(head.text);
      const body = tokens[end + 1]?.text;
      if (body === '=>' || (body === '{' && !statement)) names(i + 1, end);
    }
  });
  return declared;
}

const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /(?:0[xXbBoO][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)n?/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const PUNCT = /=>|\?\.(?!\d)|\.\.\.|[{}()[\];,<>=+\-*%&|^!~?:.@#/]/y;
const SPACE = /[\s\uFEFF]+/y;

/** Words after which a slash begins a regular expression. */
const BEFORE_REGEX = new Set('return typeof case in of delete void instanceof throw else do yield await'.split(' '));

/** The tokens of a source text; undefined where it cannot be read for sure. */
export function tokenize(source: string): Token[] | undefined {
  return new Tokenizer(source).read();
}

class Tokenizer {
  readonly #tokens: Token[] = [];
  #newline = false;
  #at = 0;
  /** Templates that are open, by the depth of braces within them. */
  readonly #templates: number[] = [];

  constructor(private readonly source: string) {}

  read(): Token[] | undefined {
    while (this.#at < this.source.length) {
      if (!this.#token(this.source[this.#at]!)) return undefined;
    }
    return this.#tokens;
  }

  #push(kind: Token['kind'], text: string): true {
    this.#tokens.push({ kind, text, newline: this.#newline });
    this.#newline = false;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Reads what begins with the character `c`; false where that is unclear. */
  #token(c: string): boolean {
    const space = this.#match(SPACE);
    if (space !== undefined) {
      this.#newline ||= space.includes('\n');
      return true;
    }
    if (this.source.startsWith('//', this.#at)) return this.#skipTo('\n', this.source.length);
    if (this.source.startsWith('/*', this.#at)) return this.#skipTo('*/', undefined);
    if (c === '"' || c === "'") return this.#string(c);
    if (c === '`') {
      this.#at++;
      return this.#template();
    }
    if (c === '/' && this.#tokens.at(-1)?.text === '}') return false;
    if (c === '/' && !this.#divides()) return this.#match(REGEX) !== undefined && this.#push('text', '/');
    const name = this.#match(NAME);
    if (name !== undefined) return this.#push('name', name);
    if (/\d/.test(c) || (c === '.' && /\d/.test(this.source[this.#at + 1] ?? ''))) {
      return this.#match(NUMBER) !== undefined && this.#push('number', '0');
    }
    const punct = this.#match(PUNCT);
    return punct !== undefined && this.#punct(punct);
  }

  /** Passes over a comment. */
  #skipTo(end: string, otherwise: number | undefined): boolean {
    const found = this.source.indexOf(end, this.#at);
    if (found < 0 && otherwise === undefined) return false;
    this.#at = found < 0 ? otherwise! : end === '\n' ? found : found + end.length;
    return true;
  }

  #string(quote: string): boolean {
    let end = this.#at + 1;
    while (end < this.source.length && this.source[end] !== quote) end += this.source[end] === '\\' ? 2 : 1;
    this.#at = end + 1;
    return this.#push('text', quote);
  }

  /** Whether a slash here divides: what is before it is a value. */
  #divides(): boolean {
    const before = this.#tokens.at(-1);
    if (!before) return false;
    if (before.kind === 'name') return !BEFORE_REGEX.has(before.text);
    return before.kind === 'number' || before.kind === 'text' || before.text === ')' || before.text === ']';
  }

  /** The rest of a template's text, up to its end or to an expression. */
  #template(): boolean {
    for (; this.#at < this.source.length; this.#at++) {
      if (this.source[this.#at] === '\\') this.#at++;
      else if (this.source[this.#at] === '`') {
        this.#at++;
        return this.#push('text', '`');
      } else if (this.source.startsWith('${', this.#at)) {
        this.#at += 2;
        this.#templates.push(0);
        return this.#push('punct', '(');
      }
    }
    return false;
  }

  #punct(punct: string): boolean {
    const open = this.#templates.length - 1;
    if (open >= 0 && punct === '{') this.#templates[open]!++;
    if (open >= 0 && punct === '}' && this.#templates[open]!-- === 0) {
      this.#templates.pop();
      this.#push('punct', ')');
      return this.#template();
    }
    return this.#push('punct', punct);
  }
}
