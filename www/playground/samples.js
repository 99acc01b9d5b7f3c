// Queries to begin with. What a sample reads is made in the page: `prepare` names it.
export const SAMPLES = [
  {
    name: 'Orders by country',
    language: 'sql',
    prepare: ['orders'],
    text: `-- Ctrl+Enter runs. Hover a function to read about it; Ctrl+Space completes functions and columns.
SELECT country,
       count(*)              AS orders,
       round(sum(amount), 2) AS revenue,
       percentile_approx(amount, 0.5) AS median
FROM orders
GROUP BY country
ORDER BY revenue DESC
`,
  },
  {
    name: 'Revenue per day, with a moving mean',
    language: 'sql',
    prepare: ['orders'],
    text: `WITH daily AS (
  SELECT date_trunc('DAY', placed) AS day, sum(amount) AS revenue
  FROM orders
  GROUP BY date_trunc('DAY', placed)
)
SELECT day, round(revenue, 2) AS revenue,
       round(avg(revenue) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), 2) AS mean_of_7
FROM daily
ORDER BY day
`,
  },
  {
    name: '100,000 rows',
    language: 'sql',
    prepare: [],
    text: `SELECT id,
       timestamp_seconds(1767225600 + id * 60) AS at,
       round(sin(id / 500) * 50 + pmod(hash(id), 20), 2) AS level,
       array(id % 7, id % 11) AS parts,
       concat('row ', id) AS name
FROM range(100000)
`,
  },
  {
    name: 'Trending hashtags (a stream)',
    language: 'sql',
    prepare: ['tweets'],
    text: `-- tweets is a stream: the query runs until you stop it.
-- Rows that come ten minutes late are dropped at the watermark.
SELECT window.start AS start, hashtag,
       count(*) AS uses, round(avg(score), 3) AS score
FROM (
  SELECT explode(split(text, ' ')) AS hashtag, createdAt, score
  FROM tweets
)
WHERE hashtag LIKE '#%'
GROUP BY window(createdAt, '10 minutes', '5 minutes'), hashtag
`,
  },
  {
    name: 'DataFrames',
    language: 'js',
    prepare: ['orders'],
    text: `// spark, sc, F, Window, ml are there; return a DataFrame, rows, or any value.
const byDay = Window.partitionBy('country').orderBy(F.col('placed'));

return spark.table('orders')
  .withColumn('before', F.lag('amount', 1).over(byDay))
  .filter(F.col('amount').gt(F.col('before').multiply(8)))
  .select('placed', 'country', 'before', 'amount')
  .orderBy('placed')
`,
  },
  {
    name: 'Functions on partitions',
    language: 'js',
    prepare: [],
    text: `// Functions run in the executors. Estimate π with a million darts.
const darts = sc.range(0, 1_000_000, 1, 8);
const hits = darts.map((n) => {
  const x = Math.sin(n * 12.9898) * 43758.5453 % 1;
  const y = Math.sin(n * 78.233) * 12543.1234 % 1;
  return x * x + y * y < 1 ? 1 : 0;
});
return [{ pi: 4 * await hits.sum() / 1_000_000 }]
`,
  },
  {
    name: 'Train and predict',
    language: 'js',
    prepare: [],
    text: `const reviews = spark.createDataFrame([
  ['a wonderful, warm film', 1], ['dull and far too long', 0],
  ['wonderful acting', 1], ['a dull plot', 0],
], 'text STRING, label DOUBLE');

const model = await new ml.Pipeline({ stages: [
  new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
  new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: 500 }),
  new ml.NaiveBayes(),
] }).fit(reviews);

return model.transform(reviews).select('text', 'label', 'prediction')
`,
  },
];
