import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { decodeMessage, encodeMessage } from '../src/connect/message_codec.js';
import { RelationSchema } from '../src/generated/spark/connect/relations_pb.js';
import * as ml from '../src/ml/index.js';
import type { DataFrame } from '../src/sql/dataframe.js';
import { col, functions as F, lit } from '../src/sql/functions/index.js';
import { Window } from '../src/sql/window.js';
import { FakeSession } from './fake_engine.js';
import pyspark from './pyspark_plans.json' with { type: 'json' };

const session = new FakeSession();
const table = session.read.table('t');
const other = session.read.table('u');
const stream = session.readStream
  .format('json')
  .schema('text STRING, createdAt TIMESTAMP, score DOUBLE')
  .option('maxFilesPerTrigger', 1)
  .load('/in');

/** The same programs as in pyspark_plans.py. */
const plans: Record<keyof typeof pyspark, DataFrame> = {
  select: table.select('a', col('b').plus(1), col('c').multiply(2.5).alias('d'), lit('x'), '*'),
  operators: table.select(
    col('a').eq(1).not(),
    col('a').neq(col('b')),
    col('a').gt(1).and(col('b').leq(2)).or(col('c').isNull()),
    col('a').negate(),
    col('a').mod(3),
    col('a').eqNullSafe(null),
    col('s').like('a%'),
    col('s').startsWith('#'),
    col('s').substr(1, 2),
    col('a').isin(1, 2, 3),
    col('a').between(1, 5),
    col('a').pow(2),
  ),
  cast: table.select(col('a').cast('string'), col('a').cast('decimal(10,2)'), col('a').tryCast('int')),
  nested: table.select(
    col('a').getItem(0),
    col('m').getItem('k'),
    col('s').getField('x'),
    col('s').withField('y', lit(1)),
    col('s').dropFields('z'),
  ),
  case: table.select(F.when(col('a').gt(1), 'big').when(col('a').gt(0), 'small').otherwise('none')),
  literals: table.select(lit(null), lit(true), lit(1), lit(2 ** 40), lit(1.5), lit('t')),
  filter_sql: table.filter('a > 1'),
  filter_column: table.filter(col('a').gt(1)),
  with_columns: table.withColumn('b', col('a').plus(1)).withColumnRenamed('b', 'c').drop('d', col('e')),
  sort: table.orderBy('a', col('b').desc(), col('c').ascNullsLast()),
  limit: table.limit(5).offset(2),
  distinct: table.distinct(),
  deduplicate: table.dropDuplicates(['a']),
  group: table.groupBy('a').agg(F.sum('b').alias('s'), F.countDistinct('c'), F.collectList('d'), F.first('e')),
  group_count: table.groupBy('a', 'b').count(),
  rollup: table.rollup('a', 'b').agg(F.avg('c')),
  pivot: table.groupBy('a').pivot('b', ['x', 'y']).agg(F.sum('c')),
  join_using: table.join(other, ['k'], 'left'),
  join_condition: table.join(other, col('a').eq(col('b')), 'leftanti'),
  cross_join: table.crossJoin(other),
  union: table.union(other).unionByName(other, true),
  except: table.exceptAll(other).intersect(other).subtract(other),
  alias: table.alias('x').select('x.a', 'x.*'),
  repartition: table.repartition(4).coalesce(2).repartition(3, 'a'),
  na: table.na
    .fill(0)
    .na.fill({ a: 'x' })
    .na.drop({ how: 'all', subset: ['a'] })
    .na.drop({ thresh: 2 }),
  describe: table.describe('a'),
  to_df: table.toDF('x', 'y'),
  window_function: table.select(
    F.rowNumber().over(Window.partitionBy('a').orderBy(col('b').desc())),
    F.sum('c').over(Window.partitionBy('a').orderBy('b').rowsBetween(-1, 0)),
    F.lag('c').over(Window.orderBy('b')),
    F.avg('c').over(Window.partitionBy('a').rangeBetween(Window.unboundedPreceding, Window.unboundedFollowing)),
  ),
  texts: table.select(
    F.split('text', ' '),
    F.regexpReplace('a', 'x', 'y'),
    F.concatWs('-', 'a', 'b'),
    F.dateFormat('t', 'yyyy'),
    F.toTimestamp('t', 'yyyy-MM-dd'),
    F.substring('a', 1, 2),
    F.arrayContains('xs', 1),
    F.elementAt('xs', 1),
    F.round('a', 2),
    F.dateTrunc('hour', 't'),
    F.lpad('a', 5, '0'),
    F.fromJson('j', 'a INT'),
    F.sortArray('xs'),
    F.getJsonObject('j', '$.a'),
    F.dateAdd('d', 1),
    F.coalesce('a', lit(0)),
  ),
  session_window: table.groupBy(F.sessionWindow('t', '5 minutes')).count(),
  stream,
  trending: stream
    .withWatermark('createdAt', '10 minutes')
    .select(F.explode(F.split('text', ' ')).alias('hashtag'), 'createdAt', 'score')
    .filter(col('hashtag').startsWith('#'))
    .groupBy(F.window('createdAt', '10 minutes', '5 minutes'), 'hashtag')
    .agg(F.count('hashtag').alias('n'), F.avg('score').alias('score')),
  ml_tokenizer: new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }).transform(table),
  ml_hashing: new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: 2000, binary: true }).transform(table),
  ml_bucketizer: new ml.Bucketizer({ splits: [-1, 0, 2.5], inputCol: 'x', outputCol: 'b', handleInvalid: 'keep' }).transform(table),
  ml_sql: new ml.SQLTransformer({ statement: 'SELECT a FROM __THIS__' }).transform(stream),
  window_start: table.groupBy(F.window('t', '1 hour', undefined, '15 minutes')).count(),
};

/** As messages on the wire, without ids, which differ from run to run, and without members that say nothing. */
function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name, member]) => !['common', 'planId', 'uid'].includes(name) && member !== false);
  return Object.fromEntries(members.map(([name, member]) => [name, normalized(member)]));
}

for (const [name, df] of Object.entries(plans)) {
  test(`plan ${name} equals what PySpark sends`, () => {
    const bytes = encodeMessage('Relation', df.plan.relation);
    assert.deepEqual(bytes, toBinary(RelationSchema, create(RelationSchema, df.plan.relation)));
    assert.deepEqual(encodeMessage('Relation', decodeMessage('Relation', bytes)), bytes);
    const json = toJson(RelationSchema, fromBinary(RelationSchema, bytes));
    assert.deepEqual(normalized(json), normalized((pyspark as Record<string, unknown>)[name]));
  });
}

test('a column of a DataFrame carries the id of its plan', () => {
  const left = table.select('a');
  const { exprType } = left.col('a').expr;
  assert.equal(exprType?.case === 'unresolvedAttribute' && exprType.value.planId, left.plan.relation.common?.planId);
});
