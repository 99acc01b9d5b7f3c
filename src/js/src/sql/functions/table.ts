import { Column, columnOf, operand, type LiteralValue } from '../column.js';
import { call } from '../expression.js';

type Callable = (...args: (Column | LiteralValue | undefined)[]) => Column;

/**
 * Functions from a table of names, so that each costs the page a word. An entry is `name`, `name:kinds` or
 * `name=spark_name:kinds`: Spark's name is the camelCase name in snake_case unless given; kinds say for each argument whether
 * a bare string is a column's name (`c`) or text (`l`), the last kind going for all further arguments (default `c`).
 * Arguments that are undefined are left out.
 */
export function fromTable<F>(table: string): F {
  const built: Record<string, Callable> = {};
  for (const entry of table.trim().split(/\s+/)) {
    const [naming = '', kinds = 'c'] = entry.split(':');
    const [name = '', spark = snakeCase(name)] = naming.split('=');
    built[name] = (...args) => {
      const given = args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
      return new Column(call(spark, given.map((arg, index) => {
        const kind = kinds[Math.min(index, kinds.length - 1)];
        return (kind === 'l' ? operand : columnOf)(arg ?? null);
      })));
    };
  }
  return built as F;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
