import type { Expression } from '../../connect/messages.js';
import { Column, columnOf, operand, type LiteralValue } from '../column.js';
import { call } from '../expression.js';
import { literalExpression } from '../literal.js';
import { optionTexts } from '../option.js';

/** Options of a function that reads or writes a format. */
export type Options = Record<string, string | number | boolean>;
type Lambda = (...args: never[]) => Column;
type Argument = Column | LiteralValue | Options | Lambda | undefined;
type Callable = (...args: Argument[]) => Column;

/** Options as the map that Spark's functions take. @internal */
export function optionsMap(options: Options | Column): Expression {
  if (options instanceof Column) return options.expr;
  return call('map', Object.entries(optionTexts(options)).flatMap((entry) => entry.map(literalExpression)));
}

let lambdaVariables = 0;

/** A function of columns as Spark's lambda, with fresh variable names. */
function lambda(f: Lambda): Expression {
  const args = ['x', 'y', 'z'].slice(0, Math.max(f.length, 1)).map((name) => ({ nameParts: [`${name}_${lambdaVariables++}`] }));
  const columns = args.map((value) => new Column({ exprType: { case: 'unresolvedNamedLambdaVariable', value } }));
  return { exprType: { case: 'lambdaFunction', value: { function: f(...(columns as never[])).expr, arguments: args } } };
}

/** How an argument becomes an expression, by its kind. */
const KINDS: Record<string, (argument: never) => Expression> = {
  /** A column: a bare string is a column's name. */
  c: columnOf,
  /** A literal: a bare string is that string. */
  l: operand,
  /** A lambda. */
  f: lambda,
  /** Options. */
  o: optionsMap,
};

/** The kind of the argument at an index: the last kind goes for all further arguments, or with `*` all kinds over again. */
function kindAt(kinds: string, index: number): string {
  if (kinds.endsWith('*')) return kinds[index % (kinds.length - 1)]!;
  return kinds[Math.min(index, kinds.length - 1)]!;
}

/**
 * Functions from a table of names, so that each costs the page a word. A line is the kinds of the arguments, then names; Spark's name is the camelCase name in snake_case, or given as `name=spark_name`. Arguments that
 * are undefined are left out.
 */
export function fromTable<F>(table: string): F {
  const built: Record<string, Callable> = {};
  for (const line of table.trim().split('\n')) {
    const [kinds = 'c', ...names] = line.split(' ');
    for (const naming of names) {
      const [name = '', spark = snakeCase(name)] = naming.split('=');
      built[name] = (...args) => {
        const given = args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
        return new Column(call(spark, given.map((arg, index) => KINDS[kindAt(kinds, index)]!((arg ?? null) as never))));
      };
    }
  }
  return built as F;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
