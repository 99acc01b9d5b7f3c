// What the editor offers: the engine's functions, with what it says of them, and the methods of the client's classes.
import { Column, DataFrame, functions, GroupedData, ml, RDD, SparkContext, SparkSession, Window } from 'rivulet';
import { element } from '../elements.js';

const METHODS_OF = { SparkSession, DataFrame, GroupedData, Column, SparkContext, RDD };

/** The engine's registry of functions, asked when it is needed. */
export class FunctionRegistry {
  #names = [];
  #known = new Map();
  #described = new Map();

  /** Asks a session for the names. */
  async load(spark) {
    this.spark = spark;
    const rows = await (await spark.sql('SHOW FUNCTIONS')).collect();
    this.#names = rows.map((row) => row.function).filter((name) => /^[a-z]\w*$/i.test(name));
    this.#known = new Map(this.#names.map((name) => [name.replaceAll('_', '').toLowerCase(), name]));
  }

  get names() {
    return this.#names;
  }

  /** The SQL name of a function of the client, such as `array_max` for `arrayMax`. */
  nameOf(camelCase) {
    return this.#known.get(camelCase.toLowerCase());
  }

  /** Usage, arguments and examples of a function, as an element. */
  async describe(name) {
    if (!this.#described.has(name)) {
      const rows = await (await this.spark.sql(`DESCRIBE FUNCTION EXTENDED ${name}`)).collect();
      const [, , usage = '', extended = ''] = rows.map((row) => row.function_desc);
      const text = `${usage.replace(/^Usage: /, '')}\n${extended.replace(/^Extended Usage:\s*/, '').replace(/^ {4}/gm, '')}`;
      this.#described.set(name, text.trim());
    }
    return element('div', { textContent: this.#described.get(name) });
  }

  /** What there is to say about a word of a text: an element if it names a function, else null. */
  async about(word) {
    const name = this.#names.includes(word.toLowerCase()) ? word.toLowerCase() : this.nameOf(word);
    return name ? this.describe(name).catch(() => null) : null;
  }

  #option(label, name, apply) {
    return {
      label,
      type: 'function',
      apply,
      detail: label === name ? '' : name,
      info: () => (name ? this.describe(name).catch(() => null) : null),
    };
  }

  /** Completes names of functions in SQL. */
  inSql = (context) => {
    const word = context.matchBefore(/[a-z_]\w*/i);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    const options = this.#names.map((name) => ({ ...this.#option(name, name, `${name}(`), boost: -1 }));
    return { from: word.from, options, validFor: /^\w*$/ };
  };

  /** Completes members after a dot, and what a program sees, in JavaScript. */
  inJavaScript = (context) => {
    const member = context.matchBefore(/(\w+|\))\s*\.\s*\w*/);
    if (member) {
      const from = context.pos - /\w*$/.exec(member.text)[0].length;
      return { from, options: this.#members(/^\w+/.exec(member.text)?.[0]), validFor: /^\w*$/ };
    }
    const word = context.matchBefore(/\w+/);
    if (!word && !context.explicit) return null;
    const seen = ['spark', 'sc', 'F', 'Window', 'ml', 'show'].map((label) => ({ label, type: 'variable' }));
    return { from: word?.from ?? context.pos, options: seen, validFor: /^\w*$/ };
  };

  #members(owner) {
    if (owner === 'F') return Object.keys(functions).map((name) => this.#option(name, this.nameOf(name)));
    if (owner === 'ml') return Object.keys(ml).map((label) => ({ label, type: 'class' }));
    if (owner === 'Window') return methods(Window, 'Window');
    if (owner === 'spark') return membersOf('SparkSession');
    if (owner === 'sc') return membersOf('SparkContext');
    return ['DataFrame', 'GroupedData', 'Column', 'RDD'].flatMap(membersOf);
  }
}

const methods = (object, detail) =>
  Object.getOwnPropertyNames(object)
    .filter((name) => /^[a-z]\w*$/.test(name) && !['constructor', 'context', 'prototype', 'length', 'name'].includes(name))
    .map((label) => ({ label, type: 'method', detail }));

function membersOf(name) {
  const found = [];
  for (let type = METHODS_OF[name].prototype; type && type !== Object.prototype; type = Object.getPrototypeOf(type))
    found.push(...methods(type, name));
  return found;
}
