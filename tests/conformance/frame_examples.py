"""Asks real Spark for statistics of DataFrames, for what `show()` prints and for what `spark.catalog` answers.

    python frame_examples.py ../goldens/sql/frames sc://localhost:15002

Needs real Spark's Connect server (serve_real_connect.sh). Writes one case file per call, in the form of the sql goldens; see their
FORMAT.md. Answers that are not DataFrames become one of a string.
"""
import os
import sys

os.environ.setdefault("TZ", "UTC")

from dataframe_examples import record

TABLES = ["t = spark.createDataFrame([(1, 12, 'a', 1), (10, 1, 'b', None), (19, 8, 'a', 3), (None, 8, None, 4)], 'a BIGINT, b BIGINT, s STRING, d BIGINT')",
          "r = spark.range(0, 100, 1, 1)",
          "t.createOrReplaceTempView('t')",
          "text = lambda value: spark.createDataFrame([(repr(value),)], 'v STRING')",
          "long = spark.sql(\"SELECT 1 AS a_name_that_is_longer_than_the_cells, 'a string that is longer than twenty' AS s, array(1, null) AS l, "
          "map('a', null) AS m, struct(null, 'q') AS r, array(x'6162', null) AS b, 'x\\\\ty' AS e, CAST('NaN' AS DOUBLE) AS n\")"]

OPERATIONS = {
    "corr": "text(t.corr('a', 'b'))",
    "corr_nulls": "text(round(t.corr('a', 'd'), 12))",
    "corr_empty": "text(t.where('b > 100').corr('a', 'b'))",
    "corr_string": "text(t.corr('a', 's'))",
    "corr_missing": "text(t.corr('a', 'zz'))",
    "cov": "text(t.cov('a', 'b'))",
    "cov_one_row": "text(t.limit(1).cov('a', 'b'))",
    "cov_string": "text(t.cov('s', 'a'))",
    "crosstab": "t.crosstab('a', 'b')",
    "crosstab_nulls": "t.crosstab('s', 'a')",
    "crosstab_empty": "t.where('b > 100').crosstab('a', 'b')",
    "crosstab_doubles": "t.select((F.col('a') / 2).alias('h'), 's').crosstab('s', 'h')",
    "freq_items": "t.freqItems(['a', 'b', 's']).select([F.sort_array(c).alias(c) for c in ['a_freqItems', 'b_freqItems', 's_freqItems']])",
    "freq_items_support": "t.freqItems(['s'], 0.4)",
    "freq_items_dropped": "r.select((F.col('id') % 7).alias('m'), F.when(F.col('id') < 60, 1).otherwise(F.col('id')).alias('k')).freqItems(['m', 'k'], 0.3)"
                          ".select('m_freqItems', F.sort_array('k_freqItems').alias('k'))",
    "freq_items_bad_support": "t.freqItems(['s'], 2.0)",
    "approx_quantile": "text(t.approxQuantile('a', [0.0, 0.5, 1.0], 0.0))",
    "approx_quantile_columns": "text(t.approxQuantile(['a', 'b'], [0.25, 0.5], 0.1))",
    "approx_quantile_empty": "text(t.where('b > 100').approxQuantile('a', [0.5], 0.1))",
    "approx_quantile_error": "text(r.approxQuantile('id', [0.0, 0.1, 0.25, 0.5, 0.9, 1.0], 0.1))",
    "approx_quantile_string": "text(t.approxQuantile('s', [0.5], 0.1))",
    "sample_by": "r.select((F.col('id') % 3).alias('k'), 'id').sampleBy('k', {0: 0.5, 1: 0.9}, seed=0)",
    "sample_by_strings": "t.sampleBy('s', {'a': 1.0}, seed=0)",
    "sample_by_expression": "t.sampleBy(F.upper('s'), {'A': 1.0, 'B': 0.0}, seed=0)",
    "sample_by_bad_fraction": "t.sampleBy('s', {'a': 1.5}, seed=0)",
    "describe": "t.describe()",
    "describe_columns": "t.select('a', 's', F.lit(True).alias('z')).describe('s', 'a')",
    "describe_empty": "t.where('b > 100').describe('a', 's')",
    "describe_without_columns": "spark.sql('SELECT true AS z').describe()",
    "describe_doubles": "t.select((F.col('a') / 4).alias('x'), F.col('a').cast('decimal(10,2)').alias('y'), F.lit('7').alias('w')).describe()",
    "summary": "t.summary()",
    "summary_statistics": "t.summary('count', 'count_distinct', '12.5%', '50%', 'max')",
    "summary_unknown": "t.summary('nosuch')",
    "summary_bad_percentile": "t.summary('x%')",
    "describe_missing": "t.describe('zz')",
    "show": "text(long._show_string(20, True, False))",
    "show_whole": "text(long._show_string(20, False, False))",
    "show_short": "text(long._show_string(20, 3, False))",
    "show_vertical": "text(long._show_string(20, True, True))",
    "current_catalog": "text((spark.catalog.currentCatalog(), spark.catalog.currentDatabase()))",
    "list_catalogs": "text((spark.catalog.listCatalogs(), spark.catalog.listCatalogs('nosuch*')))",
    "list_databases": "text([d.name for d in spark.catalog.listDatabases('def*') + spark.catalog.listDatabases('nosuch')])",
    "database_exists": "text([spark.catalog.databaseExists(n) for n in ('default', 'spark_catalog.default', 'nosuch')])",
    "get_database": "text(spark.catalog.getDatabase('nosuch'))",
    "set_current_database": "text(spark.catalog.setCurrentDatabase('default'))",
    "set_current_database_missing": "text(spark.catalog.setCurrentDatabase('nosuch'))",
    "set_current_catalog_missing": "text(spark.catalog.setCurrentCatalog('nosuch'))",
    "list_tables": "text(spark.catalog.listTables(pattern='t'))",
    "list_tables_missing": "text(spark.catalog.listTables('nosuch'))",
    "get_table": "text(spark.catalog.getTable('t'))",
    "get_table_missing": "text(spark.catalog.getTable('nosuch'))",
    "table_exists": "text([spark.catalog.tableExists(*n) for n in (('t',), ('nosuch',), ('t', 'default'))])",
    "table_exists_too_long": "text(spark.catalog.tableExists('a.b.c.d'))",
    "list_columns": "text(spark.catalog.listColumns('t'))",
    "list_columns_missing": "text(spark.catalog.listColumns('nosuch'))",
    "cached": "text([spark.catalog.isCached('t'), spark.catalog.cacheTable('t'), spark.catalog.isCached('t'), spark.catalog.uncacheTable('t'), "
              "spark.catalog.isCached('t')])",
    "cache_missing": "text(spark.catalog.cacheTable('nosuch'))",
    "refresh": "text([spark.catalog.refreshTable('t'), spark.catalog.clearCache()])",
    "refresh_missing": "text(spark.catalog.refreshTable('nosuch'))",
    "drop_view": "text([spark.catalog.dropTempView('t'), spark.catalog.dropTempView('t'), spark.catalog.dropGlobalTempView('nosuch')])",
    "drop_table": "text(spark.catalog.dropTable('nosuch', ifExists=True))",
    "drop_table_missing": "text(spark.catalog.dropTable('nosuch'))",
}


if __name__ == "__main__":
    record(*sys.argv[1:], "frames", "statistics, show and catalog", TABLES, OPERATIONS)
