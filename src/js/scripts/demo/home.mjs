// What the first page has of the build: programs beside PySpark's, and sizes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PKG } from '../paths.mjs';
import { codeBlock, escaped, markdown } from './markdown.mjs';

const NAMES = { python: 'PySpark', ts: 'Rivulet' };

/** Sections of a file of programs: title, text, and a block of code for each language. */
function programs(text) {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title, ...rest] = section.split('\n');
      const body = rest.join('\n');
      const figures = [...body.matchAll(/^```(\w+)\n([\s\S]*?)\n```/gm)].map(
        ([, language, code]) => `<figure><figcaption>${NAMES[language]}</figcaption>${codeBlock(code, language)}</figure>`,
      );
      const prose = markdown(body.replace(/^```\w+\n[\s\S]*?\n```/gm, ''));
      return `<div class="program"><h3>${escaped(title)}</h3>${prose}<div class="versus">${figures.join('')}</div></div>`;
    })
    .join('\n');
}

/** Bytes, gzipped, of the client: the entry and what it imports when it is loaded. */
function clientBytes() {
  const files = new Set(['index.js']);
  let bytes = 0;
  for (const file of files) {
    const text = readFileSync(join(PKG, 'dist', file), 'utf8');
    bytes += gzipSync(text).length;
    for (const [, other] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g)) files.add(other);
  }
  return bytes;
}

/** The first page with what its comments and braces stand for. */
export function homePage(html, programsText) {
  return html
    .replace('<!-- programs -->', () => programs(programsText))
    .replace('{{client-gzip}}', `${Math.round(clientBytes() / 1_000)} kB`);
}
