// The page of graphs: a town, an algorithm of GraphX's library, a picture and a table of what it finds.
import { SparkSession } from 'rivulet';
import { Graph, PartitionStrategy } from 'rivulet/graph';
import { cell, element } from './elements.js';
import { colorOf, GraphPicture } from './graph_picture.js';
import { nameOf, town } from './town.js';

const byId = (id) => document.getElementById(id);
const DRAWN = 300;
const LISTED = 50;
/** Steps after which labels and page ranks are good enough. */
const STEPS = 8;

/** What can be computed: a graph of results, how a result is shown, and which results are one colour. */
const ALGORITHMS = {
  pageRank: {
    name: 'Page rank',
    about: 'Who matters: a share of the rank of all followers, until it changes by less than 0.001.',
    program: 'graph.pageRank(0.001)',
    run: (graph) => graph.pageRank(0.001),
    show: (rank) => rank.toFixed(3),
    size: (rank) => rank,
  },
  components: {
    name: 'Connected components',
    about: 'Who can be reached at all: the lowest number among those who are connected.',
    program: 'graph.connectedComponents()',
    run: (graph) => graph.connectedComponents(),
    show: (lowest) => `of ${nameOf(lowest)}`,
    group: (lowest) => lowest,
  },
  labels: {
    name: 'Label propagation',
    about: 'Communities: everyone takes the label that most neighbours have, eight times.',
    program: `graph.labelPropagation(${STEPS})`,
    run: (graph) => graph.labelPropagation(STEPS),
    show: (label) => `of ${nameOf(label)}`,
    group: (label) => label,
  },
  triangles: {
    name: 'Triangles',
    about: 'How close-knit: pairs of neighbours that are neighbours of each other.',
    program: "graph\n  .partitionBy('RandomVertexCut')\n  .triangleCount()",
    run: (graph) => graph.partitionBy(PartitionStrategy.RandomVertexCut).triangleCount(),
    show: (count) => count.toLocaleString(),
    size: (count) => count,
  },
  distances: {
    name: 'Distance to Ada 1',
    about: 'How many follows lead to the first person; nobody leads there from a circle of its own.',
    program: 'graph.shortestPaths([0])',
    run: (graph) => graph.shortestPaths([0]),
    show: (distances) => distances.get(0) ?? '–',
    size: (distances) => (distances.has(0) ? 1 / (1 + distances.get(0)) : 0),
    group: (distances) => distances.get(0) ?? 6,
  },
};

/** For scripts that drive the page. */
const demo = { state: 'idle', error: null, values: new Map() };
window.rivuletGraph = demo;

let spark;
const picture = new GraphPicture(byId('picture'));

function setState(state, text) {
  demo.state = state;
  byId('state').dataset.state = state;
  byId('state').lastElementChild.textContent = text;
  byId('run').disabled = state === 'starting' || state === 'running';
}

/** The value of each vertex, largest first. */
function ranked(algorithm, values, followers, circles) {
  const size = algorithm.size ?? ((_, id) => followers[id]);
  const group = algorithm.group ?? ((_, id) => circles[id]);
  const all = [...values].map(([id, value]) => ({ id, value, size: size(value, id), group: group(value, id) }));
  return all.sort((a, b) => b.size - a.size || a.id - b.id);
}

/** The vertices that are nearest to the first, in any direction; then others, if there are too few. */
function around(vertices, edges) {
  const neighbours = new Map(vertices.map(({ id }) => [id, []]));
  for (const [a, b] of edges) {
    neighbours.get(a).push(b);
    neighbours.get(b).push(a);
  }
  const near = new Set();
  for (const { id } of vertices) {
    if (near.size >= DRAWN) break;
    near.add(id);
    for (const next of near) {
      for (const other of neighbours.get(next)) if (near.size < DRAWN) near.add(other);
    }
  }
  return vertices.filter(({ id }) => near.has(id));
}

function show(algorithm, vertices, { circles, edges }, followers) {
  const largest = Math.max(vertices[0].size, Number.MIN_VALUE);
  const drawn = around(vertices, edges).map(({ id, size, group }) => ({ id, name: nameOf(id), group, share: size / largest }));
  picture.show(
    drawn.sort((a, b) => a.id - b.id),
    edges,
  );
  document.querySelector('.picture').classList.remove('is-empty');
  byId('picture-note').textContent = vertices.length > DRAWN ? `${nameOf(vertices[0].id)} and the nearest ${DRAWN - 1}` : '';
  byId('value-head').textContent = algorithm.name;
  const body = element('tbody');
  for (const { id, value, group } of vertices.slice(0, LISTED)) {
    const row = body.insertRow();
    const swatch = element('i', { className: 'swatch' });
    swatch.style.background = colorOf(group);
    cell(row, swatch).append(nameOf(id));
    cell(row, String(circles[id] + 1));
    cell(row, followers[id].toLocaleString(), 'number');
    cell(row, String(algorithm.show(value)), 'number');
  }
  byId('table').tBodies[0].replaceWith(body);
}

async function run() {
  byId('error').hidden = true;
  demo.error = null;
  try {
    setState('starting', 'Starting workers');
    spark ??= await SparkSession.builder.appName('graphs').master('local[2]').getOrCreate();
    setState('running', 'Running');
    const people = Number(byId('size').value);
    const algorithm = ALGORITHMS[byId('algorithm').value];
    const made = town(people);
    const followers = new Array(people).fill(0);
    for (const [, followed] of made.edges) followers[followed] += 1;
    const startMs = performance.now();
    const graph = Graph.fromEdgeTuples(spark.sparkContext.parallelize(made.edges, 4), 1);
    demo.values = await algorithm.run(graph).vertices.collectAsMap();
    byId('seconds').textContent = ((performance.now() - startMs) / 1_000).toFixed(2);
    byId('vertices').textContent = demo.values.size.toLocaleString();
    byId('edges').textContent = made.edges.length.toLocaleString();
    show(algorithm, ranked(algorithm, demo.values, followers, made.circles), made, followers);
    setState('idle', 'Done');
  } catch (error) {
    console.error(error);
    demo.error = error.message;
    byId('error').hidden = false;
    byId('error').textContent = error.message;
    setState('failed', 'Failed');
  }
}

function describe() {
  const { about, program } = ALGORITHMS[byId('algorithm').value];
  byId('about').textContent = about;
  byId('program').textContent =
    `const graph = Graph.fromEdgeTuples(\n  sc.parallelize(follows, 4), 1);\n\nawait ${program}\n  .vertices.collectAsMap();`;
}

byId('algorithm').append(...Object.entries(ALGORITHMS).map(([id, { name }]) => new Option(name, id)));
byId('algorithm').onchange = describe;
byId('run').onclick = () => void run();
document.addEventListener('themechange', () => picture.draw());
describe();
