// Graphs as GraphX has them. A graph is there once its degrees are: its structure is kept in the executors.
import { Graph } from '/pkg/dist/graph.js';
import { ends, RESET, STEPS, sizes, topOf } from '../../workloads/graphs.js';

export const graphsOf = (session, executors) => {
  const load = async (inputs, clock) => {
    const { src, dst } = ends(inputs);
    const graph = Graph.fromEdgeColumns(session.spark.sparkContext, src, dst, 0, executors);
    await graph.degrees.collectColumns();
    clock.lap('load');
    return graph;
  };
  return {
    async pagerank(inputs, clock) {
      const graph = await load(inputs, clock);
      const [ids, ranks] = await graph.staticPageRank(STEPS, RESET).vertices.collectColumns();
      const answer = topOf(ids, ranks);
      clock.lap('run');
      return answer;
    },
    async components(inputs, clock) {
      const graph = await load(inputs, clock);
      const [, labels] = await graph.connectedComponents().vertices.collectColumns();
      const answer = sizes(labels);
      clock.lap('run');
      return answer;
    },
    async triangles(inputs, clock) {
      const graph = await load(inputs, clock);
      const [, counts] = await graph.triangleCount().vertices.collectColumns();
      const answer = { triangles: [counts.reduce((sum, n) => sum + n, 0) / 3] };
      clock.lap('run');
      return answer;
    },
  };
};
