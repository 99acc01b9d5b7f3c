"""Graphs by NetworkX, and by GraphX through the gateway that PySpark has to its JVM. Both read what the page reads; GraphX of a file of
lines, its one loader, which is written before the clock starts.
"""
import glob
import os
import tempfile
import time

from native_spark import session

STEPS = 10
RESET = 0.15


def ends(job):
    """The ends of all edges, as arrays."""
    import pyarrow
    paths = sorted(glob.glob(job["folders"]["edges"] + "/*"))
    table = pyarrow.concat_tables([pyarrow.ipc.open_stream(open(path, "rb").read()).read_all() for path in paths])
    return table["src"].to_numpy(), table["dst"].to_numpy()


def top(ranks):
    """As in workloads/graphs.js: the ten highest ranks, and the sum of all of them."""
    highest = sorted(ranks, reverse=True)[:10]
    return {"place": list(range(11)), "rank": highest + [sum(ranks)]}


def timed(load, work):
    """Returns a run in two parts: `load` makes the graph, `work` makes the answer of it."""
    def run():
        start = time.perf_counter()
        graph = load()
        loaded = time.perf_counter()
        answer = work(graph)
        done = time.perf_counter()
        return {"seconds": done - start, "parts": {"load": loaded - start, "run": done - loaded}, "answer": answer}

    return run


def last_move(src, dst):
    """As in workloads/graphs.js: a distance that ranks move by less than in the last step only; NetworkX takes no number of steps."""
    import numpy as np
    ids, at = np.unique(np.concatenate([src, dst]), return_inverse=True)
    source, target = at[:len(src)], at[len(src):]
    count, degrees = len(ids), np.bincount(source, minlength=len(ids))
    ranks, moves = np.full(count, 1 / count), []
    for _ in range(STEPS):
        shares = np.divide(ranks, degrees, out=np.zeros(count), where=degrees > 0)
        lost = ranks[degrees == 0].sum()
        after = (1 - RESET) * np.bincount(target, weights=shares[source], minlength=count) + (RESET + (1 - RESET) * lost) / count
        moves.append(np.abs(after - ranks).sum())
        ranks = after
    return (moves[-2] * moves[-1]) ** 0.5


def networkx_of(job, make, work):
    import networkx as nx
    src, dst = ends(job)

    def load():
        graph = make(nx)
        graph.add_edges_from(zip(src.tolist(), dst.tolist()))
        return graph

    return timed(load, lambda graph: work(nx, graph))


def networkx_pagerank(job):
    """PageRank as libraries define it: `spread` in workloads/graphs.js."""
    moved = last_move(*ends(job))

    def work(nx, graph):
        count = graph.number_of_nodes()
        # It takes a distance per vertex.
        ranks = nx.pagerank(graph, alpha=1 - RESET, max_iter=STEPS, tol=moved / count)
        return top([rank * count for rank in ranks.values()])

    return networkx_of(job, lambda nx: nx.MultiDiGraph(), work)


def networkx_components(job):
    def work(nx, graph):
        orders = [len(component) for component in nx.weakly_connected_components(graph)]
        return {"count": [len(orders)], "largest": [max(orders)]}

    return networkx_of(job, lambda nx: nx.MultiDiGraph(), work)


def networkx_triangles(job):
    return networkx_of(job, lambda nx: nx.Graph(), lambda nx, graph: {"triangles": [sum(nx.triangles(graph).values()) / 3]})


def graphx_of(job, work):
    """`work(jvm, vertices, ops)` makes the answer of the graph's GraphOps; `vertices` turns vertices into a JavaRDD of their values."""
    spark = session()
    jvm, sc = spark._jvm, spark.sparkContext._jsc.sc()
    folder = tempfile.TemporaryDirectory()
    with open(os.path.join(folder.name, "edges"), "w") as file:
        file.writelines(f"{a} {b}\n" for a, b in zip(*(column.tolist() for column in ends(job))))
    memory = jvm.org.apache.spark.storage.StorageLevel.MEMORY_ONLY()
    graphx, api = jvm.org.apache.spark.graphx, jvm.org.apache.spark.api.java

    def load():
        # What the run before has left in the cache goes first; that takes no time worth a word.
        for persistent in spark.sparkContext._jsc.getPersistentRDDs().values():
            persistent.unpersist(False)
        graph = graphx.GraphLoader.edgeListFile(sc, folder.name, False, 2, memory, memory)
        graph.vertices().count()
        return graph

    def values(vertices):
        anything = jvm.scala.reflect.ClassTag.Any()
        return api.JavaPairRDD.fromRDD(vertices, anything, anything).values()

    return timed(load, lambda graph: work(jvm, values, graph.ops()))


def graphx_pagerank(job):
    def work(jvm, values, ops):
        ranks = jvm.org.apache.spark.api.java.JavaDoubleRDD.fromRDD(values(ops.staticPageRank(STEPS, RESET).vertices()).rdd())
        return {"place": list(range(11)), "rank": [*ranks.top(10), ranks.sum()]}

    return graphx_of(job, work)


def graphx_components(job):
    def work(jvm, values, ops):
        orders = list(values(ops.connectedComponents().vertices()).countByValue().values())
        return {"count": [len(orders)], "largest": [max(orders)]}

    return graphx_of(job, work)


def graphx_triangles(job):
    def work(jvm, values, ops):
        # By how many triangles vertices are in, how many are in so many.
        counts = values(ops.triangleCount().vertices()).countByValue()
        return {"triangles": [sum(triangles * vertices for triangles, vertices in dict(counts).items()) / 3]}

    return graphx_of(job, work)


WORKLOADS = {"networkx": {"pagerank": networkx_pagerank, "components": networkx_components, "triangles": networkx_triangles},
             "graphx": {"pagerank": graphx_pagerank, "components": graphx_components, "triangles": graphx_triangles}}
