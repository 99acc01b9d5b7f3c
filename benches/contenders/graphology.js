// npm's graphology with its metrics and components. PageRank is as libraries define it (`spread` in workloads/graphs.js).
import { MultiDirectedGraph, UndirectedGraph } from 'graphology';
import { forEachConnectedComponentOrder } from 'graphology-components';
import pageRank from 'graphology-metrics/centrality/pagerank';
import simmelianStrength from 'graphology-metrics/edge/simmelian-strength';
import { ends, lastMove, RESET, STEPS, sizesOf, top } from '../workloads/graphs.js';

function load(graph, inputs, clock, add) {
  const { src, dst, length } = ends(inputs);
  for (let i = 0; i < length; i++) {
    graph.mergeNode(src[i]);
    graph.mergeNode(dst[i]);
    add(src[i], dst[i]);
  }
  clock.lap('load');
  return graph;
}

function directed(inputs, clock) {
  const graph = new MultiDirectedGraph();
  return load(graph, inputs, clock, (src, dst) => graph.addDirectedEdge(src, dst));
}

export default () => ({
  runs: {
    pagerank(inputs, clock) {
      const moved = lastMove(inputs);
      clock.start();
      const graph = directed(inputs, clock);
      // It takes a distance per vertex.
      const ranks = pageRank(graph, { alpha: 1 - RESET, getEdgeWeight: null, maxIterations: STEPS, tolerance: moved / graph.order });
      const answer = top(new Map(Object.entries(ranks).map(([id, rank]) => [Number(id), rank * graph.order])));
      clock.lap('run');
      return answer;
    },
    components(inputs, clock) {
      const graph = directed(inputs, clock);
      const orders = [];
      forEachConnectedComponentOrder(graph, (order) => orders.push(order));
      const answer = sizesOf(orders);
      clock.lap('run');
      return answer;
    },
    // It counts the triangles of each edge of a graph that has each pair once.
    triangles(inputs, clock) {
      const graph = new UndirectedGraph();
      load(graph, inputs, clock, (src, dst) => graph.mergeUndirectedEdge(src, dst));
      const answer = { triangles: [Object.values(simmelianStrength(graph)).reduce((sum, n) => sum + n, 0) / 3] };
      clock.lap('run');
      return answer;
    },
  },
});
