// Markdown of the site as HTML: headings with anchors, code with colours, tables that scroll by themselves.
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import { Marked } from 'marked';

for (const [name, language] of Object.entries({ bash, json, python, sql, ts: typescript, js: typescript, html: xml }))
  hljs.registerLanguage(name, language);

const LANGUAGES = { ts: 'TypeScript', js: 'JavaScript', python: 'PySpark', sql: 'SQL', bash: 'Shell', html: 'HTML', json: 'JSON' };

/** Text as HTML shows it. */
export const escaped = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The anchor of a heading. */
export const slug = (text) =>
  text
    .toLowerCase()
    .replace(/<[^>]*>|[^\p{Letter}\p{Number}\s-]/gu, '')
    .trim()
    .replace(/\s+/g, '-');

/** Code with colours; regions that scroll can be reached by keyboard. */
export function codeBlock(text, lang = '') {
  const language = lang.split(/\s/)[0];
  const shown = hljs.getLanguage(language) ? hljs.highlight(text, { language }).value : escaped(text);
  return `<pre class="code" tabindex="0" role="group" aria-label="${LANGUAGES[language] ?? 'Text'}"><code>${shown}</code></pre>\n`;
}

const renderer = {
  code({ text, lang }) {
    return codeBlock(text, lang);
  },
  heading({ tokens, depth, text }) {
    const inner = this.parser.parseInline(tokens);
    const id = slug(text);
    return depth === 1 ? `<h1>${inner}</h1>\n` : `<h${depth} id="${id}"><a href="#${id}">${inner}</a></h${depth}>\n`;
  },
  table(token) {
    const cell = (tag, { align, tokens, text }) => {
      const name = text ? tag : 'td';
      return `<${name}${align === 'right' ? ' class="number"' : ''}${name === 'th' ? ' scope="col"' : ''}>${this.parser.parseInline(tokens)}</${name}>`;
    };
    const row = (tag, cells) => `<tr>${cells.map((entry) => cell(tag, entry)).join('')}</tr>`;
    const head = token.header.some(({ text }) => text) ? `<thead>${row('th', token.header)}</thead>` : '';
    const body = token.rows.map((cells) => row('td', cells)).join('\n');
    return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>${head}<tbody>\n${body}\n</tbody></table></div>\n`;
  },
  link({ href, tokens }) {
    return `<a href="${escaped(href.replace(/^(?!\w+:)([^#]*)\.md(?=$|#)/, '$1.html'))}">${this.parser.parseInline(tokens)}</a>`;
  },
};

const marked = new Marked({ renderer });

/** Returns the HTML of Markdown. */
export const markdown = (text) => marked.parse(text);
