// Where in the text an error is: by the line of its stack, or by the word that the engine names.

/** Parameters of conditions that name a piece of the text. */
const NAMED = ['error', 'objectName', 'routineName', 'relationName', 'functionName', 'fieldName', 'expression', 'feature'];
const escapeForRegExp = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Text without comments, of the same length. */
const withoutComments = (text) => text.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, (comment) => comment.replace(/[^\n]/g, ' '));

/** How the engine quotes a name: with backticks, or as 'SELEC' in a syntax error. */
function unquoted(word) {
  if (/^'[\s\S]*'$/.test(word)) return word.slice(1, -1);
  return word.replaceAll('`', '').replaceAll('"', '');
}

function find(text, word) {
  const parts = word.split('.').map(escapeForRegExp);
  const edge = (character, where) => (/\w/.test(character ?? '') ? where : '');
  // The whole name with or without backticks, else its last part.
  for (const name of [parts.map((part) => `\`?${part}\`?`).join('\\s*\\.\\s*'), parts.at(-1)]) {
    const pattern = new RegExp(`${edge(word[0], '(?<!\\w)')}${name}${edge(word.at(-1), '(?!\\w)')}`, 'i');
    const match = pattern.exec(text);
    if (match && match[0].length > 0) return { from: match.index, to: match.index + match[0].length };
  }
  return null;
}

/** Offset of a line (from 1) and column (from 1). */
function offsetOf(text, line, column) {
  const lines = text.split('\n');
  if (line < 1 || line > lines.length) return null;
  return lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0) + Math.min(column - 1, lines[line - 1].length);
}

/** The word at an offset, or one character. */
function wordAt(text, from) {
  const word = /^[\w$]+/.exec(text.slice(from));
  return { from, to: Math.min(text.length, from + (word?.[0].length ?? 1)) };
}

/**
 * Returns `{ from, to }` of what an error is about, or null. `firstLine` is the line of the module at which a program of JavaScript
 * begins.
 */
export function locate(text, error, { firstLine = 1 } = {}) {
  const plain = withoutComments(text);
  const position = /\(line (\d+), (?:pos|column|position) (\d+)\)/i.exec(error.message ?? '');
  if (position) return wordAt(text, offsetOf(text, Number(position[1]), Number(position[2]) + 1) ?? 0);
  for (const name of NAMED) {
    const value = error.parameters?.[name];
    if (!value) continue;
    if (value === 'end of input') return { from: Math.max(0, plain.trimEnd().length - 1), to: plain.trimEnd().length };
    const found = find(plain, unquoted(value));
    if (found) return found;
  }
  const frame = /blob:[^\s)]*?:(\d+):(\d+)/.exec(error.stack ?? '');
  const from = frame && offsetOf(text, Number(frame[1]) - firstLine + 1, Number(frame[2]));
  return from === null || from === undefined ? null : wordAt(text, from);
}
