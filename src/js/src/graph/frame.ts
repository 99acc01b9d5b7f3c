import { IllegalArgumentException } from '../errors.js';
import type { RddNode } from '../rdd/node.js';
import type { DataFrame } from '../sql/dataframe.js';
import { functions as F } from '../sql/functions/index.js';
import type { Row } from '../values/rows.js';
import { Graph } from './graph.js';
import { stepNode } from './nodes.js';

/** A term of a pattern: an edge between two vertices, or that there is none, or a vertex alone. */
interface Term {
  not: boolean;
  from: string;
  edge: string | undefined;
  to: string;
}

const EDGE = /^(!?)\s*\((\w*)\)\s*-\[(\w*)\]->\s*\((\w*)\)$/;
const VERTEX = /^\((\w+)\)$/;

function termsOf(pattern: string): Term[] {
  const texts = pattern.split(';').map((text) => text.trim());
  const terms = texts
    .filter((text) => text !== '')
    .map((text): Term => {
      const vertex = VERTEX.exec(text);
      if (vertex) return { not: false, from: vertex[1]!, edge: undefined, to: '' };
      const [, not, from, edge, to] = EDGE.exec(text) ?? [];
      if (not === undefined) throw badPattern(pattern, `${JSON.stringify(text)} is not (a)-[e]->(b), !(a)-[]->(b) or (a)`);
      return { not: not === '!', from: from!, edge: edge!, to: to! };
    });
  if (terms.length === 0) throw badPattern(pattern, 'it has no terms');
  return terms;
}

function badPattern(pattern: string, why: string): IllegalArgumentException {
  return new IllegalArgumentException(`The pattern ${JSON.stringify(pattern)} cannot be searched for: ${why}`, {
    condition: 'RIVULET_MOTIF',
  });
}

/**
 * A graph of two tables: vertices with a column `id`, edges with the columns `src` and `dst` (GraphFrames). Ids are whole numbers.
 * @example
 * ```ts
 * const cities = spark.createDataFrame([{ id: 1, name: 'Rom' }, { id: 2, name: 'Bari' }, { id: 3, name: 'Pisa' }], 'id BIGINT, name STRING');
 * const trains = spark.createDataFrame([{ src: 1, dst: 2 }, { src: 2, dst: 3 }, { src: 2, dst: 1 }], 'src BIGINT, dst BIGINT');
 * const twoWays = new GraphFrame(cities, trains).find('(a)-[]->(b); (b)-[]->(a)').filter('a.id < b.id');
 * await twoWays.selectExpr('a.name AS one', 'b.name AS other').collect(); // → [{ one: 'Rom', other: 'Bari' }]
 * ```
 */
export class GraphFrame {
  constructor(
    /** The vertices. */ readonly vertices: DataFrame,
    /** The edges. */ readonly edges: DataFrame,
  ) {}

  /**
   * Returns the graph with rows as attributes, for everything that {@link Graph} does; each table is computed once, when it is first
   * used. Back again: `spark.createDataFrame(graph.vertices, 'id BIGINT, attr …')`, and edges by `srcId`, `dstId` and `attr`.
   */
  toGraph(): Graph<Row, Row> {
    const [vertices, edges] = [this.vertices.rdd, this.edges.rdd];
    const { context } = vertices;
    const placed = (node: RddNode, step: 'vertexRows' | 'edgeRows') => stepNode(context, 'GraphFrame', [node], { step, method: 'toGraph' });
    return Graph.ofNodes<Row, Row>(context, placed(vertices.definition, 'vertexRows'), placed(edges.definition, 'edgeRows'));
  }

  /**
   * Searches for a pattern: `(a)-[e]->(b)` is an edge, terms follow one another after `;`, a name that comes twice is the same vertex,
   * a part without a name gets no column, and `!(a)-[]->(b)` excludes matches with such an edge. Returns a table with a struct per name, a row for
   * each way to match; vertices that are named differently may be the same one.
   */
  find(pattern: string): DataFrame {
    let found: DataFrame | undefined;
    const columns: string[] = [];
    // Vertices without a name, and edges, need names of their own meanwhile.
    let hidden = 0;
    const vertex = (name: string) => this.vertices.selectExpr(`struct(*) AS ${name}`);
    for (const { not, from, edge, to } of termsOf(pattern)) {
      if (edge === undefined) {
        if (columns.includes(from)) continue;
        found = found ? found.crossJoin(vertex(from)) : vertex(from);
        columns.push(from);
        continue;
      }
      if (not) {
        if (edge !== '') throw badPattern(pattern, `an edge that is not there has no name: ${edge}`);
        if (!found || !columns.includes(from) || !columns.includes(to))
          throw badPattern(pattern, 'the ends of an edge that is not there must be named by terms before it');
        const none = this.edges.selectExpr('src AS _src', 'dst AS _dst').distinct();
        const same = F.col(`${from}.id`)
          .eq(F.col('_src'))
          .and(F.col(`${to}.id`).eq(F.col('_dst')));
        found = found.join(none, same, 'leftanti');
        continue;
      }
      if (edge !== '' && columns.includes(edge)) throw badPattern(pattern, `${edge} is named twice`);
      const own = edge === '' ? `_edge${hidden++}` : edge;
      let next = this.edges.selectExpr(`struct(*) AS ${own}`);
      if (from !== '' && from === to) next = next.filter(F.col(`${own}.src`).eq(F.col(`${own}.dst`)));
      const ends = [
        [from, `${own}.src`],
        [to, `${own}.dst`],
      ] as const;
      const known = ends.filter(([name]) => name !== '' && columns.includes(name));
      if (!found) found = next;
      else if (known.length === 0) found = found.crossJoin(next);
      else {
        const conditions = known.map(([name, end]) => F.col(`${name}.id`).eq(F.col(end)));
        found = found.join(
          next,
          conditions.reduce((all, one) => all.and(one)),
        );
      }
      for (const [name, end] of ends) {
        if (name === '' || columns.includes(name)) continue;
        found = found.join(vertex(name), F.col(`${name}.id`).eq(F.col(end)));
        columns.push(name);
      }
      if (edge !== '') columns.push(edge);
    }
    return found!.select(...columns);
  }
}
