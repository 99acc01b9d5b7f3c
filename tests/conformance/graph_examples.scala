// What GraphX answers where the goldens of tests/goldens/graphx ask nothing: lines of graph, operation and result, for spark-shell -i.
// GRAPHS is a file with a line per graph, name, vertices "id,attr;…" and edges "src,dst,attr;…" with tabs between them; OUT is written.
sc.setLogLevel("OFF")
import org.apache.spark.graphx._
import org.apache.spark.graphx.lib._
import org.apache.spark.graphx.util.GraphGenerators
val lines = scala.io.Source.fromFile(sys.env("GRAPHS")).getLines().toList
val out = new java.io.PrintWriter(sys.env("OUT"))
def say(name: String, op: String, rows: Any) = { out.println(name + "\t" + op + "\t" + rows); out.flush() }
def lst(rows: Array[(Long, String)]) = rows.sortBy(_._1).map(r => "[" + r._1 + "," + r._2 + "]").mkString("[", ",", "]")
for (line <- lines) {
  val Array(name, vs, es) = line.split("\t", -1)
  val vertices = vs.split(";").filter(_.nonEmpty).map { t => val Array(a, b) = t.split(","); (a.toLong, b.toInt) }.toSeq
  val edges = es.split(";").filter(_.nonEmpty).map { t => val Array(a, b, c) = t.split(","); Edge(a.toLong, b.toLong, c.toInt) }.toSeq
  val g = Graph(sc.parallelize(vertices, 2), sc.parallelize(edges, 3), -1).cache()
  val some = vertices.map(_._1).take(3).toArray
  say(name, "sources", some.mkString("[", ",", "]"))
  say(name, "static_personalized_5", lst(g.staticPersonalizedPageRank(some(0), 5).vertices.mapValues(_.toString).collect()))
  try { say(name, "parallel_personalized_5", lst(g.staticParallelPersonalizedPageRank(some, 5).vertices.mapValues(v => v.toArray.map(x => if (x.isNaN) "\"NaN\"" else x.toString).mkString("[", ",", "]")).collect())) } catch { case e: Throwable => say(name, "parallel_personalized_5", "\"error\"") }
  for (k <- Seq(1, 2)) {
    say(name, "connected_components_" + k, lst(ConnectedComponents.run(g, k).vertices.mapValues(_.toString).collect()))
    say(name, "strongly_connected_components_" + k, lst(g.stronglyConnectedComponents(k).vertices.mapValues(_.toString).collect()))
    say(name, "label_propagation_" + k, lst(LabelPropagation.run(g, k).vertices.mapValues(_.toString).collect()))
  }
  say(name, "collect_neighbors_in", lst(g.collectNeighbors(EdgeDirection.In).mapValues(_.sortBy(x => (x._1, x._2)).map(x => "[" + x._1 + "," + x._2 + "]").mkString("[", ",", "]")).collect()))
  for (d <- Seq(EdgeDirection.Either, EdgeDirection.Out, EdgeDirection.In, EdgeDirection.Both)) {
    val p = g.mapVertices((id, a) => 0L).pregel(1L, 4, d)((id, a, m) => a * 2 + m, t => Iterator((t.dstId, t.srcAttr % 1000 + 1)) ++ (if (t.attr > 3) Iterator((t.srcId, 1L)) else Iterator()), (a, b) => a + b)
    say(name, "pregel_" + d, lst(p.vertices.mapValues(_.toString).collect()))
  }
  say(name, "edges_of_rank", g.staticPageRank(3).edges.collect().sortBy(e => (e.srcId, e.dstId)).map(e => "[" + e.srcId + "," + e.dstId + "," + e.attr + "]").mkString("[", ",", "]"))
}
val ln = GraphGenerators.logNormalGraph(sc, 30, 2, 1.0, 0.7, 7L)
say("generators", "log_normal_vertices", lst(ln.vertices.mapValues(_.toString).collect()))
say("generators", "log_normal_edges", ln.edges.collect().map(e => "[" + e.srcId + "," + e.dstId + "]").sorted.mkString("[", ",", "]"))
val gr = GraphGenerators.gridGraph(sc, 3, 2)
say("generators", "grid_edges", gr.edges.collect().map(e => "[" + e.srcId + "," + e.dstId + "," + e.attr + "]").sorted.mkString("[", ",", "]"))
say("generators", "grid_vertices", lst(gr.vertices.mapValues(v => "[" + v._1 + "," + v._2 + "]").collect()))
val st = GraphGenerators.starGraph(sc, 5)
say("generators", "star_edges", st.edges.collect().map(e => "[" + e.srcId + "," + e.dstId + "," + e.attr + "]").sorted.mkString("[", ",", "]"))
say("generators", "star_vertices", lst(st.vertices.mapValues(_.toString).collect()))
def mk(xs: Long*) = { val m = scala.collection.mutable.Map[Long, Long](); xs.foreach(x => m.put(x, 1L)); m.maxBy(_._2)._1 }
say("ties", "a", Seq(mk(17, 2), mk(16, 0, 5), mk(-1, 3), mk(17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 33), mk(4294967296L, 1, 12345678901L)).mkString("[", ",", "]"))
def err(f: => Any) = try { f; "none" } catch { case e: Throwable => e.getClass.getName + ": " + e.getMessage }
val g0 = st
say("errors", "tol", err(g0.pageRank(-1.0))); say("errors", "iter", err(g0.staticPageRank(0))); say("errors", "prob", err(g0.pageRank(0.1, 2.0)))
say("errors", "cc", err(ConnectedComponents.run(g0, 0))); say("errors", "scc", err(g0.stronglyConnectedComponents(0))); say("errors", "lp", err(LabelPropagation.run(g0, 0)))
say("errors", "par", err(g0.staticParallelPersonalizedPageRank(Array[Long](), 3))); say("errors", "pregel", err(g0.pregel(1, 0)((i, a, m) => a, t => Iterator(), (a, b) => a)))
say("errors", "neigh", err(g0.collectNeighborIds(EdgeDirection.Both))); say("errors", "strategy", err(PartitionStrategy.fromString("x")))
say("errors", "svd1", err(SVDPlusPlus.run(sc.parallelize(Seq(Edge(1L, 2L, 1.0))), new SVDPlusPlus.Conf(2, 0, 0.0, 5.0, 0.1, 0.1, 0.1, 0.1))))
say("errors", "svd2", err(SVDPlusPlus.run(sc.parallelize(Seq(Edge(1L, 2L, 1.0))), new SVDPlusPlus.Conf(2, 1, 5.0, 5.0, 0.1, 0.1, 0.1, 0.1))))
say("errors", "rmat", err(GraphGenerators.rmatGraph(sc, 4, 100)))
out.close()
System.exit(0)
