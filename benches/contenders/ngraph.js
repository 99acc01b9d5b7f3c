// npm's ngraph.graph and ngraph.pagerank, which is as libraries define it (`spread` in workloads/graphs.js). Nobody has components or
// triangles for it.
import createGraph from 'ngraph.graph';
import pageRank from 'ngraph.pagerank';
import { ends, lastMove, RESET, top } from '../workloads/graphs.js';

export default () => ({
  runs: {
    pagerank(inputs, clock) {
      const moved = lastMove(inputs);
      clock.start();
      const { src, dst, length } = ends(inputs);
      const graph = createGraph({ multigraph: true });
      for (let i = 0; i < length; i++) graph.addLink(src[i], dst[i]);
      clock.lap('load');
      const ranks = pageRank(graph, 1 - RESET, moved);
      const count = graph.getNodesCount();
      const answer = top(new Map(Object.entries(ranks).map(([id, rank]) => [Number(id), rank * count])));
      clock.lap('run');
      return answer;
    },
  },
});
