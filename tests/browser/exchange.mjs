// A model that Chromium saves, loaded by real Spark: the same predictions.
//   node exchange.mjs PYTHON        (a Python with PySpark, and Java)
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { server, url } = await serve(resolve(here, 'page'), { mounts: { '/pkg/': PKG } });
const browser = await launch();
const folder = mkdtempSync(join(tmpdir(), 'rivulet-exchange-'));
try {
  const page = await browser.newPage();
  await page.goto(`${url}/blank.html`);
  const { archive, predicted } = await page.evaluate(async () => {
    const { SparkSession, ml } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    // The rows of tests/conformance/exchange.py, whose second step loads what comes of this.
    const texts = ['good great film', 'bad awful film', 'great fun', 'awful, just awful', 'good fun and a great end', 'a bad end'];
    const numbers = [
      [1, 0, 3],
      [0, 2, 1],
      [2, 1, 0],
      [0, 0, 4],
      [1, 1, 1],
      [0, 3, 0],
    ];
    const rows = texts.map((text, i) => [
      i,
      text,
      i % 2 === 0 ? 'happy' : 'sad',
      i % 2 === 0 ? 1 : 0,
      i % 3,
      ml.Vectors.toStruct(ml.Vectors.dense(numbers[i])),
    ]);
    const vector = 'STRUCT<type: TINYINT, size: INT, indices: ARRAY<INT>, values: ARRAY<DOUBLE>>';
    const df = spark.createDataFrame(rows, `id BIGINT, text STRING, mood STRING, label DOUBLE, category DOUBLE, numbers ${vector}`);
    const model = await new ml.Pipeline({
      stages: [
        new ml.StringIndexer({ inputCol: 'mood', outputCol: 'y', handleInvalid: 'keep' }),
        new ml.RegexTokenizer({ inputCol: 'text', outputCol: 'words', pattern: '\\W+' }),
        new ml.StopWordsRemover({ inputCol: 'words', outputCol: 'kept' }),
        new ml.HashingTF({ inputCol: 'kept', outputCol: 'tf', numFeatures: 64 }),
        new ml.IDF({ inputCol: 'tf', outputCol: 'features' }),
        new ml.NaiveBayes({ labelCol: 'y', modelType: 'complement', thresholds: [0.4, 0.6] }),
        new ml.IndexToString({ inputCol: 'prediction', outputCol: 'predicted', labels: ['happy', 'sad'] }),
      ],
    }).fit(df);
    await model.save(spark, 'models/exchange', { overwrite: true });
    const scored = model.transform(df);
    const plain = (v) => (v && typeof v === 'object' && !Array.isArray(v) && 'values' in v ? ml.Vectors.of(v).toArray() : v);
    const predicted = {
      columns: await scored.columns(),
      rows: (await scored.orderBy('id').collect()).map((row) => Object.values(row).map(plain)),
    };
    const archive = [...new Uint8Array(await (await ml.modelArchive('models/exchange')).arrayBuffer())];
    await spark.stop();
    return { archive, predicted };
  });
  const python = process.argv[2] ?? 'python3';
  writeFileSync(join(folder, 'model.zip'), Uint8Array.from(archive));
  execFileSync(python, ['-m', 'zipfile', '-e', join(folder, 'model.zip'), join(folder, 'chromium')]);
  writeFileSync(join(folder, 'predicted.json'), JSON.stringify({ chromium: predicted }));
  const script = resolve(here, '../conformance/exchange.py');
  execFileSync(python, [script, '--remote', 'none', '--step', 'load', '--folder', folder], { stdio: ['ignore', 'inherit', 'inherit'] });
} finally {
  rmSync(folder, { recursive: true, force: true });
  await browser.close();
  server.close();
}
