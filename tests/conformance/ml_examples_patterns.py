"""Cases of recommendation and patterns: ALS, FPGrowth, PrefixSpan, Word2Vec, PowerIterationClustering."""
import math
import random

from ml_examples import case

# --------------------------------------------------------------------------------------------------------------- ratings


def ratings(users, items, seed):
    """Ratings of items by users who share tastes, about."""
    source = random.Random(seed)
    rows = []
    for user in range(users):
        for item in range(items):
            if source.random() < 0.4:
                rows.append([user * 3, item * 2 + 1, round(3 + 2 * ((user % 3) - 1) * ((item % 3) - 1) + source.gauss(0, 0.4), 2)])
    source.shuffle(rows)
    return "user INT, item INT, rating DOUBLE", rows


RATED = ratings(14, 11, 3)
FACTORS = ["out['users'] = m.userFactors.orderBy('id')", "out['items'] = m.itemFactors.orderBy('id')", "out['rank'] = m.rank"]
PREDICTED = ["out['transform'] = m.transform(df.limit(12)).orderBy(m.getUserCol(), m.getItemCol())"]
BEST = ["out['items'] = m.recommendForAllUsers(3).orderBy('user')", "out['users'] = m.recommendForAllItems(2).orderBy('item')"]
SAVED = ["m.write().overwrite().save(MODEL_DIR)", "m = ALSModel.load(MODEL_DIR)"]


def als(id, description, arguments="", shown=FACTORS + PREDICTED, df=RATED, model=None, **inputs):
    code = ["from pyspark.ml.recommendation import ALS, ALSModel", "m = ALS(%s).fit(df)" % arguments]
    return case("als", id, description, code + (SAVED if model else []) + shown, model=model, df=df, **inputs)


ALS = [
    als("start", "The factors before the first step", "rank=3, maxIter=0, seed=1", FACTORS),
    als("default", "Defaults but for the number of steps, of which Spark takes no more without checkpoints", "maxIter=4", FACTORS + PREDICTED),
    als("one_step", "One step", "rank=2, maxIter=1, seed=1"),
    als("blocks", "Other numbers of blocks", "rank=3, maxIter=3, seed=5, numUserBlocks=2, numItemBlocks=3"),
    als("one_block", "One block", "rank=3, maxIter=3, seed=5, numUserBlocks=1, numItemBlocks=1"),
    als("implicit", "Ratings that say how sure we are", "rank=3, maxIter=4, seed=2, implicitPrefs=True, alpha=2.0"),
    als("implicit_nonnegative", "The same without negative factors", "rank=3, maxIter=3, seed=2, implicitPrefs=True, nonnegative=True"),
    als("nonnegative", "Without negative factors", "rank=3, maxIter=3, seed=2, nonnegative=True, regParam=0.05"),
    als("penalty", "A larger penalty", "rank=4, maxIter=3, seed=4, regParam=1.0"),
    als("no_penalty", "No penalty", "rank=2, maxIter=2, seed=4, regParam=0.0"),
    als("cold", "Users and items that nobody knows", "rank=2, maxIter=2, seed=1", ["out['transform'] = m.transform(more).orderBy('user', 'item')"],
        more=("user INT, item INT", [[0, 1], [1, 1], [0, 2], [77, 99]])),
    als("drop", "Rows of unknown users and items are dropped", "rank=2, maxIter=2, seed=1, coldStartStrategy='Drop'", ["out['transform'] = m.transform(more).orderBy('user', 'item')"],
        more=("user INT, item INT", [[0, 1], [1, 1], [0, 2], [3, 1]])),
    als("longs", "Ids of other types", "rank=2, maxIter=2, seed=1, ratingCol='r'", FACTORS + PREDICTED,
        df=("user BIGINT, item DOUBLE, r INT", [[u, float(i), int(r)] for u, i, r in RATED[1]])),
    als("twice", "Pairs that are rated twice", "rank=2, maxIter=2, seed=1", df=(RATED[0], RATED[1] + RATED[1][:9])),
    als("negative_ids", "Ids below 0", "rank=2, maxIter=2, seed=1, numUserBlocks=3", df=(RATED[0], [[u - 20, 5 - i, r] for u, i, r in RATED[1]])),
    als("recommended", "The best for all", "rank=3, maxIter=3, seed=1", BEST),
    als("recommended_some", "The best for some", "rank=3, maxIter=3, seed=1",
        ["out['items'] = m.recommendForUserSubset(df.where('user < 9'), 2).orderBy('user')",
         "out['users'] = m.recommendForItemSubset(more, 30).orderBy('item')"], more=("item INT", [[1], [3], [3], [1000], [None]])),
    als("renamed", "Columns of other names", "rank=2, maxIter=2, seed=1, userCol='a', itemCol='b', ratingCol='c'",
        ["m.setPredictionCol('p')", "out['items'] = m.recommendForAllUsers(2).orderBy('a')", "out['transform'] = m.transform(df.limit(4)).orderBy('a', 'b')"],
        df=("a INT, b INT, c FLOAT", RATED[1])),
    als("saved", "Saved and loaded", "rank=3, maxIter=2, seed=1", FACTORS + BEST[:1], model="als"),
    als("null_user", "A user that is null", df=("user INT, item INT, rating FLOAT", [[None, 1, 1.0]])),
    als("fraction", "An item with a fraction", df=("user INT, item DOUBLE, rating FLOAT", [[1, 1.5, 1.0]])),
    als("too_large", "A user out of range", df=("user BIGINT, item INT, rating FLOAT", [[3000000000, 1, 1.0]])),
    als("text_user", "Users that are strings", df=("user STRING, item INT, rating FLOAT", [["a", 1, 1.0]])),
    als("nan", "A rating that is not a number", df=("user INT, item INT, rating FLOAT", [[1, 1, "NaN"]])),
    als("empty", "No ratings", df=(RATED[0], [])),
    als("taken", "A column of the prediction's name", df=("user INT, item INT, rating FLOAT, prediction FLOAT", [[1, 1, 1.0, 1.0]])),
    als("bad_strategy", "A strategy that does not exist", "coldStartStrategy='guess'"),
    als("bad_rank", "No factors", "rank=0"),
    als("bad_level", "No storage level", "intermediateStorageLevel='NONE'"),
    als("transform_null", "A null to predict for", "rank=2, maxIter=1", ["out['transform'] = m.transform(more)"], more=("user INT, item INT", [[None, 1]])),
]

# ------------------------------------------------------------------------------------------------------- frequent items

BASKETS = ("id INT, items ARRAY<STRING>", [[1, list("abcd")], [2, list("abc")], [3, list("ab")], [4, list("acde")], [5, list("bce")], [6, ["a"]], [7, list("bd")],
                                            [8, None], [9, list("abde")], [10, []], [11, list("af")]])
SETS = ["out['sets'] = m.freqItemsets.select(F.array_sort('items').alias('items'), 'freq').orderBy('items')"]
RULES = ["out['rules'] = m.associationRules.select(F.array_sort('antecedent').alias('antecedent'), 'consequent', 'confidence', 'lift', 'support')"
         ".orderBy('antecedent', 'consequent')"]
FOLLOWING = ["t = m.transform(df)", "out['transform'] = t.withColumn('prediction', F.array_sort('prediction')).orderBy('id')"]
SAVED_SETS = ["m.write().overwrite().save(MODEL_DIR)", "m = FPGrowthModel.load(MODEL_DIR)"]


def growth(id, description, arguments="", shown=SETS + RULES + FOLLOWING, df=BASKETS, model=None, **inputs):
    code = ["from pyspark.ml.fpm import FPGrowth, FPGrowthModel", "m = FPGrowth(%s).fit(df)" % arguments]
    return case("fp_growth", id, description, code + (SAVED_SETS if model else []) + shown, model=model, df=df, **inputs)


# A model without any set is none that Spark's Connect server can keep: it fails to estimate its size ("empty collection").
GROWTH = [
    growth("default", "Defaults"),
    growth("rare", "Rare sets, sure rules", "minSupport=0.1, minConfidence=0.5"),
    growth("any", "All sets, all rules", "minSupport=0.0, minConfidence=0.0"),
    growth("sure", "Rules without exception", "minSupport=0.1, minConfidence=1.0"),
    growth("order", "The least frequent item of a set comes first", "minSupport=0.3", ["out['sets'] = m.freqItemsets.orderBy('freq')"],
           df=("items ARRAY<STRING>", [[list("xyz")], [list("yzx")], [list("zy")], [["z"]]])),
    growth("partitions", "Parts are a number of the user's", "minSupport=0.2, numPartitions=3"),
    growth("numbers", "Items that are numbers", "minSupport=0.4, minConfidence=0.6, itemsCol='n', predictionCol='p'",
           ["out['sets'] = m.freqItemsets.select(F.array_sort('items').alias('items'), 'freq').orderBy('items')"] + RULES +
           ["out['transform'] = m.transform(df).withColumn('p', F.array_sort('p')).orderBy('id')"],
           df=("id INT, n ARRAY<BIGINT>", [[0, [1, 2, 5]], [1, [1, 2, 3, 5]], [2, [1, 2]], [3, [5, 1]]])),
    growth("doubles", "Items that are doubles", "minSupport=0.5", SETS, df=("items ARRAY<DOUBLE>", [[[0.5, 1.5]], [[1.5, 0.5, 2.5]], [[2.5]]])),
    growth("nested", "Items that are lists", "minSupport=0.5", ["out['sets'] = m.freqItemsets.orderBy('freq', F.size('items'))"],
           df=("items ARRAY<ARRAY<INT>>", [[[[1], [2, 3]]], [[[2, 3], [1]]], [[[2, 3]]]])),
    growth("nulls", "Items that are null", "minSupport=0.5", ["out['sets'] = m.freqItemsets.orderBy('freq', F.size('items'))"],
           df=("items ARRAY<STRING>", [[["a", None]], [["a", None]], [["a"]]])),
    growth("long", "Sets of five", "minSupport=0.5, minConfidence=0.9", SETS, df=("items ARRAY<STRING>", [[list("abcdef")], [list("abcdeg")], [list("abh")]])),
    growth("saved", "Saved and loaded", "minSupport=0.2", model="fp_growth"),
    growth("saved_numbers", "Saved and loaded, items are numbers", "minSupport=0.5", SETS + RULES, df=("items ARRAY<INT>", [[[1, 2]], [[1, 2, 3]], [[2]]]), model="fp_growth_numbers"),
    growth("doubled", "An item twice", df=("items ARRAY<STRING>", [[["a", "b", "a"]]])),
    growth("not_lists", "A column that has no lists", df=("items STRING", [["a"]])),
    growth("taken", "A column of the prediction's name", df=("items ARRAY<STRING>, prediction INT", [[["a"], 1]])),
    growth("bad_support", "A support above one", "minSupport=1.5"),
]

# --------------------------------------------------------------------------------------------------------- sequences

SEQUENCES = ("sequence ARRAY<ARRAY<INT>>", [[[[1, 2], [3]]], [[[1], [3, 2], [1, 2]]], [[[1, 2], [5]]], [[[6]]], [None], [[[3], [1], [1, 3, 2]]], [[[2], [2], [2]]]])
LETTERS = ("sequence ARRAY<ARRAY<STRING>>", [[[list("a"), list("abc"), list("ac"), list("d"), list("cf")]], [[list("ad"), list("c"), list("bc"), list("ae")]],
                                              [[list("ef"), list("ab"), list("df"), list("c"), list("b")]], [[list("e"), list("g"), list("af"), list("c"), list("b"), list("c")]]])
FOUND = ["out['patterns'] = p.findFrequentSequentialPatterns(df).withColumn('sequence', F.transform('sequence', lambda s: F.array_sort(s)))"
         ".orderBy('sequence')"]


def spanning(id, description, arguments="", df=SEQUENCES, shown=FOUND):
    return case("prefix_span", id, description, ["from pyspark.ml.fpm import PrefixSpan", "p = PrefixSpan(%s)" % arguments] + shown, df=df)


SPANNING = [
    spanning("default", "Defaults"),
    spanning("half", "In half of the rows", "minSupport=0.5"),
    spanning("most", "In most rows", "minSupport=0.8"),
    spanning("short", "Two items at most", "minSupport=0.3, maxPatternLength=2"),
    spanning("one", "One item", "maxPatternLength=1"),
    spanning("letters", "The example of the paper", "minSupport=0.5, maxPatternLength=5", LETTERS),
    spanning("letters_short", "Its patterns of three items", "minSupport=0.5, maxPatternLength=3", LETTERS),
    spanning("any", "All patterns", "minSupport=0.0, maxPatternLength=3", SEQUENCES),
    spanning("small", "Parts as small as can be", "minSupport=0.3, maxLocalProjDBSize=1"),
    spanning("doubled", "An item twice in a set", "minSupport=0.5", ("sequence ARRAY<ARRAY<INT>>", [[[[1, 1], [2]]], [[[1, 1, 2]]]])),
    spanning("order", "The most frequent item of a set comes first", "minSupport=0.3",
             ("sequence ARRAY<ARRAY<STRING>>", [[[list("xyz")]], [[list("yzx")]], [[list("zy")]], [[["z"]]]]),
             ["out['patterns'] = p.findFrequentSequentialPatterns(df).orderBy('freq', 'sequence')"]),
    spanning("column", "A column of another name", "sequenceCol='s'", ("s ARRAY<ARRAY<DOUBLE>>", [[[[0.5], [1.5]]], [[[0.5]]]])),
    spanning("empty_sets", "Empty sets", "minSupport=0.5", ("sequence ARRAY<ARRAY<INT>>", [[[[], [1], []]], [[[1], [], [2]]], [[]]])),
    spanning("none", "No pattern", "minSupport=1.0", ("sequence ARRAY<ARRAY<INT>>", [[[[1]]], [[[2]]]])),
    spanning("empty", "No rows", df=("sequence ARRAY<ARRAY<INT>>", [])),
    spanning("flat", "A column of lists", df=("sequence ARRAY<INT>", [[[1, 2]]])),
    spanning("bad_support", "A support below zero", "minSupport=-0.5"),
    spanning("bad_length", "Patterns without items", "maxPatternLength=0"),
]

# -------------------------------------------------------------------------------------------------------------- words


def sentences(count, seed):
    """Sentences of words, some of which go together, and some of which occur as often as others."""
    source = random.Random(seed)
    groups = [["red", "green", "blue"], ["one", "two", "three"], ["cat", "dog", "bird"]]
    return "id INT, words ARRAY<STRING>", [[i, [source.choice(source.choice(groups[:1 + i % 3])) for _ in range(4 + i % 9)]] for i in range(count)]


SPOKEN = sentences(40, 5)
EQUAL = ("words ARRAY<STRING>", [[["sun", "moon", "star", "sky", "rain", "snow"]]] * 5)
VECTORS = ["out['vectors'] = m.getVectors().orderBy('word')"]
NEAREST = ["out['near'] = m.findSynonyms('red', 3)", "out['transform'] = m.transform(df.limit(8)).orderBy('id')"]
SAVED_WORDS = ["m.write().overwrite().save(MODEL_DIR)", "m = Word2VecModel.load(MODEL_DIR)"]


def words(id, description, arguments="", shown=VECTORS + NEAREST, df=SPOKEN, model=None, **inputs):
    code = ["m = Word2Vec(inputCol='words', outputCol='v', %s).fit(df)" % arguments]
    return case("word2vec", id, description, code + (SAVED_WORDS if model else []) + shown, model=model, df=df, **inputs)


WORDS = [
    words("default", "Defaults but for short vectors", "vectorSize=4, seed=1"),
    words("start", "The vectors before the first pass", "vectorSize=4, seed=7, maxIter=0", VECTORS),
    words("passes", "Three passes", "vectorSize=3, seed=2, maxIter=3"),
    words("window", "A narrow window", "vectorSize=3, seed=2, windowSize=2"),
    words("wide", "A window of a power of two, long steps", "vectorSize=3, seed=2, windowSize=8, stepSize=0.2, maxIter=2"),
    words("long", "Sentences that are cut", "vectorSize=3, seed=2, maxSentenceLength=3"),
    words("rare", "Words that are rare", "vectorSize=3, seed=2, minCount=28"),
    words("default_seed", "The seed of the class", "vectorSize=2"),
    words("equal", "Words that occur as often", "vectorSize=2, seed=3", VECTORS, EQUAL),
    words("unknown", "Words that nobody knows", "vectorSize=2, seed=3", ["out['transform'] = m.transform(more).orderBy('id')"],
          more=("id INT, words ARRAY<STRING>", [[0, ["red", "xyz"]], [1, []], [2, ["xyz"]], [3, ["red", "blue", None]]])),
    words("vector", "The nearest to a vector", "vectorSize=3, seed=2, maxIter=2",
          ["out['near'] = m.findSynonyms(Vectors.dense(1.0, -1.0, 0.5), 4)", "out['list'] = [list(pair) for pair in m.findSynonymsArray('dog', 2)]"]),
    words("saved", "Saved and loaded", "vectorSize=3, seed=2", model="word2vec"),
    words("none", "No word is frequent enough", "vectorSize=3, minCount=1000"),
    words("not_known", "The nearest to a word that nobody knows", "vectorSize=3", ["out['near'] = m.findSynonyms('xyz', 3)"]),
    words("none_near", "No nearest words", "vectorSize=3", ["out['near'] = m.findSynonyms('red', 0)"]),
    words("null", "A list that is null", "vectorSize=3", ["out['transform'] = m.transform(more)"], more=("id INT, words ARRAY<STRING>", [[0, None]])),
    words("not_words", "A column that has no words", "vectorSize=3", df=("words ARRAY<INT>", [[[1, 2]]])),
    words("bad_size", "Vectors without values", "vectorSize=0"),
]

# -------------------------------------------------------------------------------------------- clusters of vertices


def circles(sizes, seed):
    """Similarities of points on circles around one centre."""
    source = random.Random(seed)
    points = [(radius * math.cos(2 * math.pi * i / size), radius * math.sin(2 * math.pi * i / size)) for radius, size in sizes for i in range(size)]
    rows = []
    for i, a in enumerate(points):
        for j, b in enumerate(points[:i]):
            s = math.exp(-((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / 2)
            if s > 1e-3:
                rows.append([i, j, round(s, 6)])
    source.shuffle(rows)
    return "src BIGINT, dst BIGINT, weight DOUBLE", rows


CIRCLES = circles([(1.0, 10), (4.0, 24)], 3)
SMALL = ("src INT, dst INT, weight DOUBLE", [[1, 0, 0.5], [2, 0, 0.5], [2, 1, 0.7], [3, 0, 0.5], [3, 1, 0.7], [3, 2, 0.9], [4, 0, 0.5], [4, 1, 0.7], [4, 2, 0.9],
                                               [4, 3, 1.1], [5, 0, 0.5], [5, 1, 0.7], [5, 2, 0.9], [5, 3, 1.1], [5, 4, 1.3]])
ASSIGNED = ["out['clusters'] = p.assignClusters(df).orderBy('id')"]


def iterated(id, description, arguments="", df=CIRCLES, shown=ASSIGNED, model=None):
    code = ["p = PowerIterationClustering(%s)" % arguments]
    saved = ["p.write().overwrite().save(MODEL_DIR)", "p = PowerIterationClustering.load(MODEL_DIR)"]
    return case("power_iteration", id, description, code + (saved if model else []) + shown, model=model, df=df)


ITERATED = [
    iterated("circles", "Two circles", "k=2, maxIter=40, weightCol='weight'"),
    iterated("degrees", "Begun by degrees", "k=2, maxIter=10, weightCol='weight', initMode='degree'"),
    iterated("small", "A small graph", "k=2, maxIter=40, weightCol='weight'", SMALL),
    iterated("order", "Vertices in their order", "k=2, maxIter=40, weightCol='weight'", SMALL, ["out['clusters'] = p.assignClusters(df)"]),
    iterated("defaults", "Defaults: all weights are 1", "", SMALL),
    iterated("three", "Three clusters", "k=3, maxIter=5, weightCol='weight'"),
    iterated("no_step", "No step", "k=2, maxIter=0, weightCol='weight'", SMALL),
    iterated("names", "Columns of other names", "k=2, srcCol='a', dstCol='b', weightCol='c'", ("a BIGINT, b BIGINT, c INT", [[i, j, 1 + (i + j) % 3] for i, j, _ in SMALL[1]])),
    iterated("loops", "Edges to themselves, and edges twice", "k=2, maxIter=15, weightCol='weight'", (SMALL[0], SMALL[1] + [[0, 0, 5.0], [1, 0, 0.5], [9, 9, 1.0]])),
    iterated("large_ids", "Ids of 64 bits", "k=2, maxIter=15, weightCol='weight'", (CIRCLES[0], [[i * 10000000019 - 5, j * 10000000019 - 5, s] for i, j, s in SMALL[1]])),
    iterated("saved", "Saved and loaded", "k=2, maxIter=7, weightCol='weight'", SMALL, ["out['params'] = [p.getK(), p.getMaxIter(), p.getWeightCol()]"] + ASSIGNED, model="power_iteration"),
    iterated("negative", "A similarity below zero", "weightCol='weight'", (SMALL[0], [[0, 1, -0.5]])),
    iterated("one_cluster", "One cluster", "k=1"),
    iterated("bad_mode", "A way to begin that does not exist", "initMode='guess'"),
    iterated("texts", "Ids that are strings", "", ("src STRING, dst STRING", [["a", "b"]])),
    iterated("no_weight", "A column that does not exist", "weightCol='w'", SMALL),
]

CASES = ALS + GROWTH + SPANNING + WORDS + ITERATED
