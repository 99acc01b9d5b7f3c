import type { FileSource } from '../files/registry.js';
import type { SparkContext } from '../rdd/context.js';
import { Graph } from './graph.js';
import { stepNode } from './nodes.js';

/** Loads graphs from files (`GraphLoader`). */
export const GraphLoader = {
  /**
   * Loads a graph from lines of two ids with white space between them; lines that begin with `#` are comments. Vertices and edges
   * get 1. With `canonicalOrientation`, edges are turned to begin at the lower id.
   */
  edgeListFile(sc: SparkContext, path: FileSource, canonicalOrientation = false, numEdgePartitions = -1): Graph<number, number> {
    const lines = numEdgePartitions > 0 ? sc.textFile(path, numEdgePartitions) : sc.textFile(path);
    const options = { canonical: canonicalOrientation };
    const edges = stepNode(sc, 'EdgeRDD', [lines.definition], { step: 'lines', method: 'edgeListFile', options });
    return Graph.ofEdges<number, number>(sc, edges, 1);
  },
};
