"""Cases of latent Dirichlet allocation: topics of documents."""
import random

from ml_examples import case, dense, sparse

SAVED = "m.write().overwrite().save(MODEL_DIR)"
SCHEMA = "id INT, features VECTOR, w DOUBLE"


def documents(count, seed, terms=9, length=20):
    """Documents (id, features, w) about three topics, mostly about one each; every third vector dense, every 11th document empty."""
    source = random.Random(seed)
    made = []
    for i in range(count):
        topic, counts = source.randrange(3), {}
        for _ in range(0 if i % 11 == 10 else source.randint(1, length)):
            own = topic if source.random() < 0.8 else source.randrange(3)
            term = own * terms // 3 + source.randrange(terms // 3)
            counts[term] = counts.get(term, 0) + 1.0
        vector = dense(*(counts.get(t, 0.0) for t in range(terms))) if i % 3 == 0 else sparse(terms, counts)
        made.append([i, vector, 0.5 + i % 4 / 2])
    return made


FEW = (SCHEMA, documents(25, 3))
MANY = (SCHEMA, documents(120, 5, 30, 40))
SMALL = (SCHEMA, [[0, dense(1.0, 2.0, 0.0), 1.0], [1, sparse(3, {2: 4.0}), 1.0], [2, dense(1.0, 1.0, 1.0), 1.0]])
FRACTIONS = (SCHEMA, [[i, {**row[1], "values": [v * 0.37 for v in row[1]["values"]]}, row[2]] for i, row in enumerate(documents(20, 8))])
ZEROS = (SCHEMA, [[0, {"vector": "sparse", "size": 4, "indices": [0, 2, 3], "values": [3.0, 0.0, 1.0]}, 1.0],
                  [1, sparse(4, {}), 1.0], [2, dense(0.0, 0.0, 0.0, 0.0), 1.0], [3, sparse(4, {1: 2.0}), 1.0],
                  [4, {"vector": "sparse", "size": 4, "indices": [1], "values": [0.0]}, 1.0]])
EMPTY = (SCHEMA, [[i, sparse(3, {}), 1.0] for i in range(3)])
NONE = (SCHEMA, [])

TOPICS = ["out['topics'] = [list(row) for row in m.topicsMatrix().toArray()]", "out['alpha'] = m.estimatedDocConcentration()",
          "out['model'] = [m.vocabSize(), m.isDistributed()]"]
SHOWN = TOPICS + ["out['transform'] = m.transform(df.limit(12)).select('id', 'topicDistribution')", "out['described'] = m.describeTopics(4)",
                  "out['likelihood'] = m.logLikelihood(df)", "out['perplexity'] = m.logPerplexity(df)"]


def lda(id, description, arguments="", shown=SHOWN, df=FEW, model=None, before=()):
    code = list(before) + ["m = LDA(%s).fit(df)" % arguments]
    if model:
        code += [SAVED, "m = LocalLDAModel.load(MODEL_DIR)"]
    return case("lda", id, description, code + shown, model=model, df=df)


DEALT = ["df = spark.createDataFrame(df.collect(), df.schema)"]
ALL = "subsamplingRate=1.0"

CASES = [
    lda("two", "Two topics, a sample of the documents", "k=2, seed=1"),
    lda("three", "Three topics, all documents about once", "k=3, seed=7, maxIter=10, " + ALL),
    lda("default", "Ten topics", "seed=5", df=MANY),
    lda("long", "Many steps", "k=3, seed=11, maxIter=60, subsamplingRate=0.5, learningOffset=10.0"),
    lda("many", "More documents, draws by gaps", "k=4, seed=2, subsamplingRate=0.2, maxIter=15", df=MANY),
    lda("rows", "More documents, each drawn", "k=4, seed=2, subsamplingRate=0.6, maxIter=8", df=MANY),
    lda("large_seed", "A seed of 64 bits", "k=3, seed=-8765432109876543, maxIter=5, " + ALL),
    lda("no_seed", "The seed of the class", "k=3, maxIter=5, " + ALL),
    lda("no_step", "No step", "k=3, seed=4, maxIter=0"),
    lda("one_step", "One step", "k=3, seed=4, maxIter=1, " + ALL),
    lda("nothing_drawn", "Steps without a document draw no second seed", "k=2, seed=3, maxIter=12, subsamplingRate=0.03", df=SMALL),
    lda("fixed", "Concentrations stay", "k=3, seed=3, optimizeDocConcentration=False, " + ALL),
    lda("one_concentration", "One concentration for all topics", "k=3, seed=3, maxIter=6, docConcentration=[0.9], " + ALL),
    lda("concentrations", "A concentration for each topic", "k=3, seed=3, maxIter=6, docConcentration=[0.2, 1.5, 3.0], " + ALL),
    lda("concentrations_fixed", "A concentration for each topic, which stays", "k=2, seed=3, maxIter=6, docConcentration=[0.2, 5.0], optimizeDocConcentration=False, " + ALL),
    lda("zero_concentration", "A concentration of 0", "k=2, seed=3, maxIter=4, docConcentration=[0.0], " + ALL, TOPICS),
    lda("topic_concentration", "A concentration of terms", "k=3, seed=3, maxIter=6, topicConcentration=2.5, " + ALL),
    lda("zero_topic_concentration", "A concentration of terms of 0", "k=3, seed=3, maxIter=6, topicConcentration=0.0, " + ALL, TOPICS),
    lda("fast", "Early steps count much", "k=3, seed=6, maxIter=8, learningOffset=1.0, learningDecay=0.9, " + ALL),
    lda("slow", "Early steps count little", "k=3, seed=6, maxIter=8, learningOffset=5000.0, learningDecay=0.6, " + ALL),
    lda("fractions", "Counts that are not whole", "k=2, seed=9, maxIter=8, " + ALL, df=FRACTIONS),
    lda("zeros", "Documents without terms, and zeros that are stored", "k=2, seed=9, maxIter=6, " + ALL, df=ZEROS),
    lda("empty", "Documents without terms only", "k=2, seed=9, maxIter=6, " + ALL, TOPICS + ["out['transform'] = m.transform(df)", "out['likelihood'] = m.logLikelihood(df)"], df=EMPTY),
    lda("negative", "A count below 0", "k=2, seed=1, maxIter=3, " + ALL, TOPICS, df=(SCHEMA, [[0, dense(-1.0, 2.0, 0.0), 1.0], [1, dense(0.0, 0.0, 4.0), 1.0]])),
    lda("shorter", "A document with fewer terms than the first", "k=2, seed=1, maxIter=3, " + ALL, TOPICS + ["out['transform'] = m.transform(df)"],
        df=(SCHEMA, [[0, dense(1.0, 2.0, 1.0), 1.0], [1, dense(0.0, 4.0), 1.0]])),
    lda("dealt", "A local table as it is: two partitions", "k=3, seed=6, maxIter=10, " + ALL, before=DEALT),
    lda("dealt_sample", "Two partitions, a sample", "k=4, seed=12, maxIter=10, subsamplingRate=0.3", df=MANY, before=DEALT),
    lda("dealt_rows", "Two partitions, each document drawn", "k=4, seed=13, maxIter=10, subsamplingRate=0.7, optimizeDocConcentration=False", df=MANY, before=DEALT),
    lda("repartitioned", "Partitions by a column", "k=3, seed=6, maxIter=6, " + ALL, df=MANY, before=["df = df.repartition(3, 'id')"]),
    lda("columns", "Other columns", "k=2, seed=3, featuresCol='f', topicDistributionCol='about', " + ALL, TOPICS + ["out['transform'] = m.transform(df)", "out['likelihood'] = m.logLikelihood(df)"],
        before=["df = df.withColumnRenamed('features', 'f')"]),
    lda("lists", "Lists of doubles", "k=2, seed=3, maxIter=5, " + ALL, TOPICS + ["out['transform'] = m.transform(df)", "out['likelihood'] = m.logLikelihood(df)"],
        before=["from pyspark.sql import types as T", "lists = T.StructType([T.StructField('id', T.IntegerType()), T.StructField('features', T.ArrayType(T.DoubleType(), False))])",
                "df = spark.createDataFrame([(r.id, [float(v) for v in r.features.toArray()]) for r in df.collect()], lists).coalesce(1)"]),
    lda("name_in_capitals", "The name of the optimizer in capitals", "k=2, seed=3, maxIter=3, optimizer='ONLINE', " + ALL, TOPICS),
    lda("described", "Descriptions of several lengths", "k=3, seed=3, maxIter=5, " + ALL,
        ["out['all'] = m.describeTopics()", "out['none'] = m.describeTopics(0)", "out['negative'] = m.describeTopics(-3)", "out['one'] = m.describeTopics(maxTermsPerTopic=1)"]),
    lda("model_seed", "The seed of a model changes nothing", "k=3, seed=3, maxIter=5, " + ALL, ["m.setSeed(99)", "out['transform'] = m.transform(df).select('topicDistribution')", "out['likelihood'] = m.logLikelihood(df)"]),
    lda("other_documents", "Documents that were not learned from", "k=2, seed=3, maxIter=5, " + ALL,
        ["other = spark.createDataFrame([(Vectors.dense([1.0] * 9),), (Vectors.sparse(9, [4], [7.0]),), (Vectors.dense([2.0, 3.0]),), (Vectors.dense([0.0] * 9),)], ['features']).coalesce(1)",
         "out['transform'] = m.transform(other)", "out['likelihood'] = m.logLikelihood(other)", "out['perplexity'] = m.logPerplexity(other)"]),
    lda("no_documents", "Measures without documents", "k=2, seed=3, maxIter=2", ["out['likelihood'] = m.logLikelihood(df.limit(0))", "out['perplexity'] = m.logPerplexity(df.limit(0))"]),
    lda("saved", "Saved and loaded", "k=3, seed=4, maxIter=10, " + ALL, SHOWN + ["out['shown'] = str(m).split(', ')[1:]"], model="lda"),
    lda("saved_concentrations", "Saved and loaded with its params", "k=2, seed=4, maxIter=4, docConcentration=[0.3, 0.4], topicConcentration=0.7, topicDistributionCol='t', " + ALL,
        TOPICS + ["out['transform'] = m.transform(df)", "out['likelihood'] = m.logLikelihood(df)", "out['params'] = [m.getK(), m.getMaxIter(), m.getDocConcentration(), m.getTopicConcentration()]"], model="lda_params"),
    lda("pipeline", "Words, counts, topics", "", ["out['transform'] = m.transform(df).select('d')", "out['described'] = m.stages[2].describeTopics(3)"],
        df=("text STRING", [[t] for t in ["spark sql spark", "rain sun rain snow", "sql spark table", "sun snow", "table sql row", "rain wind sun"]]),
        ),
    lda("none", "No rows", "k=2", [], NONE),
    lda("null", "A vector that is null", "k=2", [], (SCHEMA, [[0, dense(1.0, 2.0), 1.0], [1, None, 1.0]])),
    lda("not_finite", "A count that is not a number", "k=2", [], (SCHEMA, [[0, dense("NaN", 2.0), 1.0]])),
    lda("longer", "A document with terms that the first one lacks", "k=2, " + ALL + ", seed=1", [], (SCHEMA, [[0, dense(1.0, 2.0), 1.0], [1, dense(0.0, 0.0, 4.0), 1.0]])),
    lda("transform_null", "A document that is null", "k=2, seed=1, " + ALL, ["m.transform(df.limit(2).union(df.limit(1).withColumn('features', F.when(F.lit(False), F.col('features'))))).collect()"]),
    lda("transform_longer", "A document with more terms than the topics", "k=2, seed=1, " + ALL, ["m.transform(spark.createDataFrame([(Vectors.dense([1.0] * 12),)], ['features'])).collect()"]),
    lda("likelihood_null", "Measures of a document that is null", "k=2, seed=1, " + ALL, ["m.logLikelihood(df.withColumn('features', F.when(F.col('id') < 3, F.col('features'))))"]),
    lda("likelihood_longer", "Measures of a document with more terms than the topics", "k=2, seed=1, " + ALL, ["m.logPerplexity(spark.createDataFrame([(Vectors.dense([1.0] * 12),)], ['features']))"]),
    lda("likelihood_no_column", "Measures without the column", "k=2, seed=1, " + ALL, ["m.logLikelihood(df.select('w'))"]),
    lda("likelihood_wrong_type", "Measures of a column that is not one of vectors", "k=2, seed=1, " + ALL, ["m.logPerplexity(df.select(F.col('w').alias('features')))"]),
    lda("likelihood_repartitioned", "Measures of partitions by a column", "k=2, seed=1, maxIter=5, " + ALL, ["out['likelihood'] = m.logLikelihood(df.repartition(3, 'id'))", "out['perplexity'] = m.logPerplexity(df.repartition(3, 'id'))"]),
    lda("wrong_type", "A column that is not one of vectors", "featuresCol='w'"),
    lda("no_column", "A column that is lacking", "featuresCol='nope'"),
    lda("column_exists", "The column of topics exists", "topicDistributionCol='w'"),
    lda("column_exists_later", "The column of topics exists in what is transformed", "k=2, seed=1", ["m.transform(df.withColumn('topicDistribution', F.lit(1))).collect()"]),
    lda("no_name", "The column of topics has no name", "k=2, seed=1, topicDistributionCol=''", ["m.transform(df).collect()"]),
    lda("bad_k", "One topic", "k=1"),
    lda("bad_optimizer", "An optimizer that does not exist", "optimizer='gibbs'"),
    lda("bad_concentration", "A concentration below 0", "k=2, docConcentration=[0.5, -0.1]"),
    lda("bad_concentrations", "Too many concentrations", "k=2, docConcentration=[0.5, 0.1, 0.2]"),
    lda("bad_topic_concentration", "A concentration of terms below 0", "topicConcentration=-1.0"),
    lda("bad_offset", "An offset of 0", "learningOffset=0.0"),
    lda("bad_decay", "A decay of 0", "learningDecay=0.0"),
    lda("bad_rate", "A rate above 1", "subsamplingRate=1.5"),
    lda("bad_interval", "A checkpoint after no step", "checkpointInterval=0"),
    lda("bad_steps", "Steps below 0", "maxIter=-1"),
]
for one in CASES:
    if one["id"] == "pipeline":
        one["code"][0:1] = ["words, counts = Tokenizer(inputCol='text', outputCol='words'), CountVectorizer(inputCol='words', outputCol='features')",
                            "m = Pipeline(stages=[words, counts, LDA(k=2, seed=3, maxIter=20, subsamplingRate=1.0, learningOffset=1.0, topicDistributionCol='d')]).fit(df)"]
