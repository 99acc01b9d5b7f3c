// The reference of SQL functions: a page of the guide that is made of the engine's table of functions.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { BY_HAND, camelCase, generatedFunctions } from '../generate-functions.mjs';
import { JS } from '../paths.mjs';
import { codeBlock, escaped, slug } from './markdown.mjs';

const TABLE = join(JS, 'src/generated/functions.json');

/** Groups in the order of the page, with their titles; a group that is not named here comes last, under its own name. */
const GROUPS = {
  aggregate: 'Aggregates',
  window: 'Windows',
  text: 'Strings',
  number: 'Numbers',
  time: 'Dates and times',
  condition: 'Conditions',
  collection: 'Arrays and structs',
  map: 'Maps',
  lambda: 'Functions with lambdas',
  generator: 'Generators of rows',
  json: 'JSON',
  csv: 'CSV',
  conversion: 'Conversions',
  hash: 'Hashes',
  random: 'Random values',
  session: 'Session',
  partition: 'Partitions',
  check: 'Checks',
  operator: 'Operators',
};

const functions = () => {
  if (!existsSync(TABLE)) execFileSync(process.execPath, [join(JS, 'scripts/generate-functions.mjs')], { stdio: 'inherit' });
  return JSON.parse(readFileSync(TABLE, 'utf8'));
};

/** Arguments as a signature: those that may be left out in brackets. */
const signature = ({ name, arguments: all }) => {
  const one = (argument) =>
    argument.presence === 'required' ? argument.name : argument.presence === 'repeated' ? `${argument.name}…` : `[${argument.name}]`;
  return /^\w+$/.test(name) ? `${name}(${all.map(one).join(', ')})` : name;
};

/** The address of the playground with a query; www/playground/sharing.js reads it. */
const tried = (sql) => `../playground.html#q=${deflateRawSync(JSON.stringify(['sql', sql])).toString('base64url')}`;

function entry(f, client) {
  const names = client.has(camelCase(f.name)) ? `<code>F.${camelCase(f.name)}</code>` : '';
  const also = f.aliases.length > 0 ? ` Also <code>${f.aliases.map(escaped).join('</code>, <code>')}</code>.` : '';
  const types = f.arguments.map(({ name, type }) => `<code>${escaped(name)}</code> ${escaped(type)}`).join(', ');
  const sql = `SELECT ${f.example}`;
  const answer =
    f.answer === undefined || f.answer === null
      ? ''
      : `\n${f.answer
          .split('\n')
          .map((row) => `-- ${row.replaceAll('\t', ', ')}`)
          .join('\n')}`;
  return `<section class="function" id="f-${
    slug(f.name) ||
    f.name
      .split('')
      .map((character) => character.charCodeAt(0).toString(16))
      .join('')
  }" data-names="${escaped([f.name, ...f.aliases].join(' '))}">
<h3>${escaped(signature(f))}</h3>
<p>${escaped(f.description)} ${escaped(f.nulls ?? '')}${also}</p>
<p class="hint">${types ? `${types}. ` : ''}Returns ${escaped(f.returns)}. ${names}</p>
${codeBlock(sql + answer, 'sql')}<a class="try" href="${tried(sql)}" aria-label="Try it: ${escaped(f.name)}">Try it</a>
</section>`;
}

/** The page: title, what it is about, and its HTML. */
export function functionsPage() {
  const table = functions();
  const client = new Set([...generatedFunctions(table).keys(), ...BY_HAND.filter((name) => name !== 'case').map(camelCase)]);
  const all = table.filter(({ listed }) => listed);
  const groups = [...new Set([...Object.keys(GROUPS), ...all.map(({ group }) => group)])];
  const parts = groups
    .map((group) => [GROUPS[group] ?? group, all.filter((f) => f.group === group).sort((a, b) => (a.name < b.name ? -1 : 1))])
    .filter(([, members]) => members.length > 0)
    .map(
      ([title, members]) =>
        `<h2 id="${slug(title)}"><a href="#${slug(title)}">${title}</a></h2>\n${members.map((f) => entry(f, client)).join('\n')}`,
    );
  const names = all.reduce((sum, { aliases }) => sum + 1 + aliases.length, 0);
  const title = 'Functions of SQL';
  const about = `The ${names} names that SQL calls, with an example and its answer for each. In JavaScript they are methods of \`F\`, in camelCase.`;
  const search = `<label class="field filter"><span>Find a function</span><input type="search" id="filter" placeholder="array, date_add, percentile …" autocomplete="off" spellcheck="false"></label>
<p class="hint" id="found" role="status"></p>`;
  return {
    title,
    about,
    script: '../reference.js',
    html: `<h1>${title}</h1>\n<p>${about.replace(/`(.*?)`/g, '<code>$1</code>')}</p>\n${search}\n${parts.join('\n')}`,
  };
}
