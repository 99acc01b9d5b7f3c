// Answers of real Spark, through the package in Chromium with local[2].
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { browser, inPage, PRIVATE_FILES, ROOT } from './harness.mjs';

const GOLDENS = process.env.RIVULET_GOLDENS ?? join(ROOT, 'tests/goldens/structured_streaming');
const page = browser();

/** Cases and how their input comes: pushed by the page, also with a restart after each step, or as files of a directory. */
const CASES = [
  ['trending_hashtags_update_10minutes_5minutes', 'push'],
  ['trending_hashtags_complete_10minutes_5minutes', 'push'],
  ['late_update_dropped_and_accepted', 'push'],
  ['watermark_exact_boundary_window', 'push'],
  ['watermark_never_goes_back', 'files'],
  ['tumbling_append_10minutes', 'push'],
  ['late_update_dropped_and_accepted', 'files'],
  ['watermark_two_stage_late_filter_burst', 'files'],
];
for (const id of ['apply_in_pandas_with_state', 'apply_in_pandas_with_state_no_timeout', 'transform_with_state_in_pandas']) {
  CASES.push([id, 'push']);
  for (const partitions of [1, 2, 3]) CASES.push([id, 'restart', partitions]);
}

for (const [id, input, partitions = 2] of CASES) {
  const needs = input === 'files' ? PRIVATE_FILES : {};
  test(`${id} (${input}, ${partitions} partitions) gives what Spark gives, batch by batch`, needs, async () => {
    const golden = JSON.parse(readFileSync(join(GOLDENS, `${id}.json`), 'utf8'));
    const found = await inPage(
      page,
      async ({ golden, input, partitions }) => {
        const { SparkSession } = await import('rivulet');
        const { differences, runCase } = await import('/tests/twins.js');
        const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', partitions).create();
        try {
          const checkpoint = input === 'restart' ? `opfs:///golden-${golden.id}-${crypto.randomUUID()}` : undefined;
          return differences(golden, await runCase(spark, golden, input, checkpoint));
        } finally {
          await spark.stop();
        }
      },
      { golden, input, partitions },
    );
    assert.deepEqual(found, []);
  });
}
