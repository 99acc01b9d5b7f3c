/**
 * Graphs and their algorithms (GraphX), a part of its own: `import { Graph } from 'rivulet/graph'`. Edges and vertices are datasets;
 * the library's algorithms run in the engine.
 */
export { GraphFrame } from './graph/frame.js';
export { GraphGenerators } from './graph/generators.js';
export { type EdgeContext, type EdgeRow, Graph, type Predicates, type PregelOptions, type Rows } from './graph/graph.js';
export type { Library, SvdPlusPlusConf, SvdPlusPlusVertex } from './graph/library.js';
export { GraphLoader } from './graph/loader.js';
export { type Edge, EdgeDirection, type EdgeTriplet, PartitionStrategy, TripletFields, type VertexId } from './graph/names.js';
export { GraphStream, type GraphStreamOptions, graphStream } from './graph/stream.js';
