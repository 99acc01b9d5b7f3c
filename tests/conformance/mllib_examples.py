"""Records what the streaming learners of Spark's mllib answer, batch after batch: `mllib_examples.py ../goldens/mllib`.

Runs in a local Spark, since mllib is not for Connect. Spark's own steps are called: `StreamingKMeansModel.update`, and `train` of the two
regressions with the weights of the batch before, which is what their streaming classes call for each batch that is not empty.
"""
import json
import math
import os
import random
import sys

from pyspark import SparkContext
from pyspark.mllib.classification import LogisticRegressionWithSGD
from pyspark.mllib.clustering import StreamingKMeansModel
from pyspark.mllib.linalg import SparseVector, Vectors
from pyspark.mllib.regression import LabeledPoint, LinearRegressionWithSGD
from pyspark.streaming import StreamingContext

PARTITIONS = 2


def vector(values):
    """A vector of the list of its values, or of {size, indices, values}."""
    return Vectors.sparse(values["size"], values["indices"], values["values"]) if isinstance(values, dict) else Vectors.dense(values)


def sparse(size, **at):
    return {"size": size, "indices": [int(i[1:]) for i in at], "values": list(at.values())}


def plain(number):
    """A number as JSON has it; those that JSON lacks are strings."""
    return float(number) if math.isfinite(number) else str(float(number))


def error_of(error):
    """The innermost exception of Java's: class and message."""
    cause = getattr(error, "java_exception", None)
    if cause is None:
        return {"class": type(error).__name__, "message": str(error)}
    text = str(error)
    while cause.getCause() is not None:
        cause = cause.getCause()
    return {"class": cause.getClass().getName(), "message": str(cause.getMessage()).split("\n")[0], "within": text.split("\n")[1][:200]}


def blobs(seed, count, centers, spread=0.3):
    source = random.Random(seed)
    return [[round(x + source.gauss(0, spread), 3) for x in source.choice(centers)] for _ in range(count)]


def k_means(id, description, centers, batches, weights=None, decay=1.0, unit="batches", half_life=None):
    weights = weights or [1.0] * len(centers)
    if half_life is not None:
        decay = math.exp(math.log(0.5) / half_life)
    return {"id": id, "description": description, "centers": centers, "weights": weights, "decayFactor": decay, "halfLife": half_life,
            "timeUnit": unit, "batches": batches}


TWO = [[0.0, 0.0], [4.0, 4.0]]
THREE = [[0.0, 0.0], [1.0, 1.0], [-2.0, 3.0]]
CLOSE = blobs(3, 12, [[0.0, 0.0], [4.0, 4.0]]), blobs(4, 9, [[1.0, 0.0], [5.0, 3.0]]), blobs(5, 14, [[1.5, -1.0], [6.0, 2.0]])
WIDE = [blobs(10 + i, 20, [[0.0, 0.0], [1.0 + i, 1.0], [-2.0, 3.0 - i]]) for i in range(4)]
NEAR = [[0.1 * i, -0.05 * i] for i in range(10)]
MIXED = [[[1.0, 0.0, 2.0], sparse(3, _1=4.0), sparse(3)], [sparse(3, _0=1.0, _2=-1.0), [0.0, 3.0, 0.0]]]

K_MEANS = [
    k_means("two", "Nothing is forgotten", TWO, [*CLOSE]),
    k_means("three", "Three clusters that drift", THREE, WIDE, weights=[1.0, 2.0, 0.5]),
    k_means("weightless", "Centres without weight: the first rows replace them", TWO, [*CLOSE], weights=[0.0, 0.0]),
    k_means("decay", "What was learned counts less", TWO, [*CLOSE], decay=0.5),
    k_means("forgets", "Only the last batch counts", TWO, [*CLOSE], decay=0.0),
    k_means("grows", "A factor above 1", TWO, [*CLOSE], decay=1.5),
    k_means("half_life_batches", "Half after two batches", THREE, WIDE, half_life=2.0),
    k_means("half_life_points", "Half after ten points", THREE, WIDE, half_life=10.0, unit="points"),
    k_means("decay_points", "A factor per point", TWO, [*CLOSE], decay=0.9, unit="points"),
    k_means("empty", "Batches without rows still forget", TWO, [[], CLOSE[0], [], [], CLOSE[1]], decay=0.25),
    k_means("empty_points", "Batches without points forget nothing", TWO, [[], CLOSE[0], [], CLOSE[1]], decay=0.25, unit="points"),
    k_means("dying", "A cluster dies by its weight, and the largest is split", [[0.0, 0.0], [50.0, 50.0]], [NEAR, NEAR, CLOSE[0]], decay=0.0),
    k_means("dying_slowly", "A cluster dies after some batches", [[0.0, 0.0], [50.0, 50.0], [-50.0, 0.0]], [NEAR] * 6, decay=0.01),
    k_means("dying_at_once", "Weights of a kind that dies at the first batch", TWO, [[], CLOSE[0], CLOSE[1]], weights=[1e-9, 1e3]),
    k_means("dying_alone", "One cluster cannot die", [[1.0, 2.0]], [[], CLOSE[0]], weights=[0.0], decay=0.0),
    k_means("one_dimension", "Numbers", [[0.0], [10.0]], [[[1.0], [2.0], [9.0]], [[4.0], [5.5], [20.0]]], decay=0.8),
    k_means("ties", "A row between two centres goes to the first", [[0.0], [2.0]], [[[1.0], [1.0], [1.0]]]),
    k_means("sparse", "Sparse rows among dense ones", [[0.0, 0.0, 0.0], [1.0, 3.0, 1.0]], MIXED, decay=0.5),
    k_means("large", "Large numbers", [[1e150], [-1e150]], [[[1e151], [-3e150], [2e150]], [[-1e149]]]),
    k_means("wrong_size", "A row of another size", TWO, [CLOSE[0], [[1.0, 2.0, 3.0]]]),
    k_means("wrong_size_sparse", "A sparse row of another size", TWO, [[sparse(3, _1=1.0)]]),
    k_means("nan", "A row with NaN", TWO, [[[math.nan, 1.0], [1.0, 1.0]]]),
    k_means("infinite", "A row that is infinite", TWO, [[[math.inf, 1.0], [1.0, 1.0]]]),
    k_means("negative_decay", "A factor below 0", TWO, [*CLOSE], decay=-0.5),
    k_means("no_weights", "A centre without a weight of its own", TWO, [*CLOSE], weights=[1.0]),
]

PROBES = [[0.0, 0.0], [4.0, 4.0], [2.0, 2.0], [0.3, -0.1], [-3.0, 3.0]]


def record_k_means(sc, case):
    # A model shares its arrays with the one before.
    model = StreamingKMeansModel([vector(c) for c in case["centers"]], list(case["weights"]))
    case["after"] = []
    for batch in case["batches"]:
        try:
            model = model.update(sc.parallelize([vector(v) for v in batch], PARTITIONS), case["decayFactor"], case["timeUnit"])
        except Exception as error:
            case["after"].append({"error": error_of(error)})
            break
        centers = [[plain(x) for x in c] for c in model.clusterCenters]
        case["after"].append({"centers": centers, "weights": [plain(w) for w in model.clusterWeights]})
        if len(centers[0]) == 2:
            case["after"][-1]["predictions"] = [int(model.predict(Vectors.dense(p))) for p in PROBES]
    return case


def random_centers(sc, k, dim, weight, seed):
    model = sc._jvm.org.apache.spark.mllib.clustering.StreamingKMeans().setK(k).setRandomCenters(dim, weight, seed).latestModel()
    return {"k": k, "dim": dim, "weight": weight, "seed": str(seed), "centers": [list(c.toArray()) for c in model.clusterCenters()],
            "weights": list(model.clusterWeights())}


def doubles_of(sc, values):
    made = sc._gateway.new_array(sc._jvm.double, len(values))
    for i, value in enumerate(values):
        made[i] = value
    return made


def centers_of(sc, count):
    vectors = sc._jvm.org.apache.spark.mllib.linalg
    made = sc._gateway.new_array(vectors.Vector, count)
    for i in range(count):
        made[i] = vectors.Vectors.dense(doubles_of(sc, [float(i)]))
    return made


def refused(sc, call):
    try:
        call(sc._jvm.org.apache.spark.mllib)
    except Exception as error:
        return error_of(error)
    return None


def line(seed, count, weights, classes=False, noise=0.1, dense=True):
    """Rows (label, features) about a plane."""
    source, made = random.Random(seed), []
    for _ in range(count):
        x = [round(source.uniform(-2, 2), 3) for _ in weights]
        y = sum(a * b for a, b in zip(weights, x)) + source.gauss(0, noise)
        label = float(source.random() < 1 / (1 + math.exp(-3 * y))) if classes else round(y, 3)
        made.append([label, x if dense else {"size": len(x), "indices": [i for i, v in enumerate(x) if v > 0], "values": [v for v in x if v > 0]}])
    return made


def sgd(id, description, kind, initial, batches, **params):
    chosen = {"stepSize": 0.1, "numIterations": 50, "miniBatchFraction": 1.0, "regParam": 0.0, "convergenceTol": 0.001, **params}
    return {"id": id, "description": description, "kind": kind, "initialWeights": initial, "params": chosen, "batches": batches}


PLANE = [line(i, 20 + 3 * i, [1.5, -2.0, 0.5]) for i in range(4)]
SIDES = [line(20 + i, 25 + 4 * i, [1.0, -1.5], classes=True) for i in range(4)]
THIN = [line(40 + i, 15, [1.0, 2.0, -1.0, 0.3], dense=False) for i in range(2)]
ZERO2, ZERO3 = [0.0, 0.0], [0.0, 0.0, 0.0]
SGD = []
for kind, zero, rows in (("linear", ZERO3, PLANE), ("logistic", ZERO2, SIDES)):
    SGD += [
        sgd(f"{kind}_default", "The params that Spark has", kind, zero, rows),
        sgd(f"{kind}_start", "Weights to begin with", kind, [0.5 - i for i, _ in enumerate(zero)], rows[:2]),
        sgd(f"{kind}_empty", "Batches without rows", kind, zero, [[], rows[0], [], rows[1]]),
        sgd(f"{kind}_few_steps", "Three steps a batch", kind, zero, rows, numIterations=3, stepSize=0.5),
        sgd(f"{kind}_one_step", "One step a batch", kind, zero, rows, numIterations=1, stepSize=0.5),
        sgd(f"{kind}_no_step", "No step", kind, zero, rows[:2], numIterations=0),
        sgd(f"{kind}_regularized", "Large weights cost", kind, zero, rows[:2], regParam=0.3),
        sgd(f"{kind}_costly", "Large weights cost more than a step is worth", kind, [3.0] * len(zero), rows[:2], regParam=25.0),
        sgd(f"{kind}_precise", "Steps until nothing changes any more", kind, zero, rows[:1], convergenceTol=0.0, numIterations=60),
        sgd(f"{kind}_coarse", "Steps until little changes", kind, zero, rows, convergenceTol=0.1),
        sgd(f"{kind}_sampled", "Half of the rows for each step, drawn one by one", kind, zero, rows[2:], miniBatchFraction=0.5, numIterations=30),
        sgd(f"{kind}_sampled_gaps", "A fifth of the rows for each step, drawn by gaps", kind, zero, rows[2:], miniBatchFraction=0.2, numIterations=20),
        sgd(f"{kind}_sampled_rarely", "Steps without rows", kind, zero, rows[:2], miniBatchFraction=0.02, numIterations=20, convergenceTol=0.0),
        sgd(f"{kind}_wild", "Steps that are too large", kind, zero, rows[:2], stepSize=50.0, numIterations=10),
        sgd(f"{kind}_wrong_size", "A row of another size", kind, zero, [rows[0], [[1.0, [1.0] * (len(zero) + 1)]]]),
        sgd(f"{kind}_shorter", "Rows that are shorter than the weights", kind, zero, [[[1.0, [1.0] * (len(zero) - 1)]]]),
        sgd(f"{kind}_nan", "A label that is NaN", kind, zero, [[[math.nan, [1.0] * len(zero)]]]),
        sgd(f"{kind}_nan_features", "A row with NaN", kind, zero, [[[1.0, [math.nan] * len(zero)], [0.0, [1.0] * len(zero)]]]),
    ]
SGD += [
    sgd("linear_sparse", "Sparse rows", "linear", [0.0] * 4, THIN),
    sgd("logistic_sparse", "Sparse rows", "logistic", [0.0] * 4, [[[float(y > 0), x] for y, x in rows] for rows in THIN]),
    sgd("logistic_label", "A label that is neither class", "logistic", ZERO2, [SIDES[0], [[2.0, [1.0, 1.0]], [1.0, [1.0, 1.0]]]]),
    sgd("linear_negative_steps", "Fewer steps than none", "linear", ZERO3, PLANE[:1], numIterations=-1),
    sgd("linear_step_size", "A step of no size", "linear", ZERO3, PLANE[:1], stepSize=0.0),
    sgd("linear_fraction", "No rows for a step", "linear", ZERO3, PLANE[:1], miniBatchFraction=0.0),
    sgd("linear_fraction_large", "More rows than there are", "linear", ZERO3, PLANE[:1], miniBatchFraction=1.5),
    sgd("linear_penalty", "A cost below 0", "linear", ZERO3, PLANE[:1], regParam=-1.0),
    sgd("linear_tolerance", "A tolerance above 1", "linear", ZERO3, PLANE[:1], convergenceTol=1.5),
]


def record_sgd(sc, case):
    weights, case["after"] = vector(case["initialWeights"]), []
    params = case["params"]
    chosen = dict(iterations=params["numIterations"], step=params["stepSize"], miniBatchFraction=params["miniBatchFraction"],
                  regParam=params["regParam"], convergenceTol=params["convergenceTol"])
    for batch in case["batches"]:
        rdd = sc.parallelize([LabeledPoint(label, vector(v)) for label, v in batch], PARTITIONS)
        try:
            if not rdd.isEmpty():
                # The streaming classes leave the kind of cost as it is: none for one, squares for the other.
                learner = LinearRegressionWithSGD if case["kind"] == "linear" else LogisticRegressionWithSGD
                model = learner.train(rdd, initialWeights=weights, **chosen)
                weights = model.weights
        except Exception as error:
            case["after"].append({"error": error_of(error)})
            break
        after = {"weights": [plain(w) for w in weights.toArray()]}
        if not rdd.isEmpty():
            probes = [[1.0] * len(weights), [float((-1) ** i) for i in range(len(weights))], [0.0] * len(weights)]
            after["predictions"] = [plain(model.predict(Vectors.dense(p))) for p in probes]
        case["after"].append(after)
    return case


def written(value):
    """Numbers that JSON lacks become strings."""
    if isinstance(value, dict):
        return {k: written(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [written(v) for v in value]
    return plain(value) if isinstance(value, float) else value


def write(folder, name, content):
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(written(content), file, separators=(",", ":"))
        file.write("\n")


def main(folder):
    os.environ["PYSPARK_PYTHON"] = sys.executable
    sc = SparkContext("local[2]", "mllib")
    sc.setLogLevel("OFF")
    os.makedirs(folder, exist_ok=True)
    seeds = [0, 1, 42, -5, 8765432109876543]
    drawn = [random_centers(sc, k, dim, 1.0 + k, seed) for seed in seeds for k, dim in ((2, 3), (5, 1))]
    streaming = lambda ml: ml.clustering.StreamingKMeans()
    random_of = lambda ml, k, dim, weight: streaming(ml).setK(k).setRandomCenters(dim, weight, 1)
    started = lambda ml, count, weights: streaming(ml).setInitialCenters(centers_of(sc, count), doubles_of(sc, weights))
    stream = StreamingContext(sc, 1).queueStream([sc.parallelize([])])._jdstream
    refusals = {
        "k": refused(sc, lambda ml: streaming(ml).setK(0)),
        "decayFactor": refused(sc, lambda ml: streaming(ml).setDecayFactor(-0.5)),
        "halfLife": refused(sc, lambda ml: streaming(ml).setHalfLife(0.0, "batches")),
        "timeUnit": refused(sc, lambda ml: streaming(ml).setHalfLife(1.0, "hours")),
        "dim": refused(sc, lambda ml: random_of(ml, 2, 0, 1.0)),
        "weight": refused(sc, lambda ml: random_of(ml, 2, 1, -1.0)),
        "weights_number": refused(sc, lambda ml: started(ml, 2, [1.0])),
        "centers_number": refused(sc, lambda ml: started(ml, 1, [1.0])),
        "weights_negative": refused(sc, lambda ml: started(ml, 2, [1.0, -1.0])),
        "not_initialized": refused(sc, lambda ml: streaming(ml).trainOn(stream)),
        "predictions_not_initialized": refused(sc, lambda ml: streaming(ml).predictOn(stream)),
        "linear_predictions_not_initialized": refused(sc, lambda ml: ml.regression.StreamingLinearRegressionWithSGD().predictOn(stream)),
        "linear_not_initialized": refused(sc, lambda ml: ml.regression.StreamingLinearRegressionWithSGD().trainOn(stream)),
        "logistic_not_initialized": refused(sc, lambda ml: ml.classification.StreamingLogisticRegressionWithSGD().trainOn(stream)),
        "stepSize": refused(sc, lambda ml: ml.regression.StreamingLinearRegressionWithSGD().setStepSize(0.0)),
        "numIterations": refused(sc, lambda ml: ml.regression.StreamingLinearRegressionWithSGD().setNumIterations(-1)),
        "regParam": refused(sc, lambda ml: ml.regression.StreamingLinearRegressionWithSGD().setRegParam(-1.0)),
        "miniBatchFraction": refused(sc, lambda ml: ml.regression.StreamingLinearRegressionWithSGD().setMiniBatchFraction(0.0)),
        "convergenceTol": refused(sc, lambda ml: ml.regression.StreamingLinearRegressionWithSGD().setConvergenceTol(1.5)),
    }
    write(folder, "streaming_k_means", {"partitions": PARTITIONS, "probes": PROBES, "random": drawn, "refusals": refusals,
                                        "cases": [record_k_means(sc, c) for c in K_MEANS]})
    write(folder, "streaming_sgd", {"partitions": PARTITIONS, "cases": [record_sgd(sc, c) for c in SGD]})
    sc.stop()


if __name__ == "__main__":
    main(sys.argv[1])
