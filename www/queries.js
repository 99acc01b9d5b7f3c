// The editable query, in its two languages.
import { functions as F, Window } from 'rivulet';

export const DEFAULT_CODE = `// tweets: id, user, text, createdAt, score
return tweets
  .withWatermark('createdAt', '10 minutes')
  .select(
    F.explode(F.split('text', ' '))
      .alias('hashtag'),
    'createdAt', 'score')
  .filter(F.col('hashtag').startsWith('#'))
  .groupBy(
    F.window('createdAt',
      '10 minutes', '5 minutes'),
    'hashtag')
  .agg(
    F.count('*').alias('tweets'),
    F.avg('score').alias('score'))
`;

export const DEFAULT_SQL = `-- tweets: id, user, text, createdAt, score
-- (watermark: createdAt, 10 minutes)
SELECT
  window(createdAt, '10 minutes',
         '5 minutes') AS window,
  hashtag,
  count(*)   AS tweets,
  avg(score) AS score
FROM (
  SELECT
    explode(split(text, ' ')) AS hashtag,
    createdAt, score
  FROM tweets)
WHERE hashtag LIKE '#%'
GROUP BY
  window(createdAt, '10 minutes',
         '5 minutes'),
  hashtag
`;

/** The DataFrame that the text describes, over the stream `tweets`. */
export async function compile(language, text, { spark, tweets }) {
  if (language === 'sql') {
    await tweets.withWatermark('createdAt', '10 minutes').createOrReplaceTempView('tweets');
    return spark.sql(text);
  }
  // A module of its own: the reader's text is a function body with these four names in scope.
  const source = `export default async ({ spark, tweets, F, Window }) => {\n${text}\n};`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  try {
    const { default: build } = await import(url);
    const df = await build({ spark, tweets, F, Window });
    if (!df?.writeStream) throw new TypeError('The query must return a DataFrame: end it with "return tweets…"');
    return df;
  } finally {
    URL.revokeObjectURL(url);
  }
}
