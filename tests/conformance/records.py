"""Asks real Spark how it reads single records of JSON and CSV, from files and by `from_json` and `from_csv`.

    python records.py json > ../goldens/records/json.json
    python records.py csv > ../goldens/records/csv.json
    python records.py inferred > ../goldens/records/inferred.json

Needs Java. Each suite is a schema with options, and records. The answer for a record is the rows that a file of nothing else
gives (`file`), and what the function makes of the text (`function`; `null` for a null). Cells are as `CAST(… AS STRING)`
writes them. For inference, the answers are schemas.
"""
import json
import os
import re
import sys
import tempfile

os.environ.setdefault("TZ", "UTC")

EVERY = ("a INT, b STRING, c DOUBLE, d TIMESTAMP, e DATE, f DECIMAL(10,2), g BOOLEAN, h ARRAY<INT>, i STRUCT<x: INT, y: STRING>, "
         "m MAP<STRING, INT>, n TIMESTAMP_NTZ, o BIGINT, p FLOAT, q BINARY, r SMALLINT, s TINYINT")
CORRUPT = EVERY + ", _corrupt_record STRING"

VALUES = [
    "1", "-1", "0", "-0", "00", "01", "1.0", "1.5", "-1.5", "1e2", "1E+2", "1e-2", "1.", ".5", "+1", "0x10", "1_0", "1d", "NaN", "-NaN", "Infinity",
    "-Infinity", "+Infinity", "INF", "-INF", "+INF", "Inf", "nan", "127", "128", "-129", "32768", "2147483647", "2147483648", "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "123456789012345678901234567890.5", "0.1", "0.125", "0.005",
    "99999999.99", "99999999.995", "100000000", "1e400", "1e-400", "3.4e39", "16777217", "1700000000", "1700000000.5", "19000",
    "true", "false", "True", "TRUE", "null", "Null", '""', '" "', '"x"', '"1"', '" 1 "', '"1.5"', '"-7"', '"true"', '"false"', '"null"', '"NaN"', '"Infinity"',
    '"-Infinity"', '"+Infinity"', '"INF"', '"-INF"', '"+INF"', '"inf"', '"1e2"', '"99999999.99"', '"1,5"',
    '"2024-03-01"', '"2024-3-1"', '"2024-03"', '"2024"', '"2024-02-30"', '"2024-03-01T10:11:12"', '"2024-03-01 10:11:12"', '"2024-03-01T10:11:12.345678"',
    '"2024-03-01T10:11:12.3456789"', '"2024-03-01T10:11:12Z"', '"2024-03-01T10:11:12+02:00"', '"2024-03-01T10:11:12 Europe/Berlin"', '"2024-03-01T10"',
    '"2024-03-01T10:11"', '"2024-03-01T24:00:00"', '" 2024-03-01T10:11:12Z "', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999999Z"', '"10000-01-01"',
    '"-0001-01-01"', '"epoch"', '"now"', '"today"', '"2024-03-31T02:30:00 Europe/Berlin"', '"2024-03-01T10:11:12.Z"', '"2024-03-01T10:11:60Z"', '"20240301"', '"01/03/2024"',
    "[]", "[1]", "[1,2,3]", "[1,null]", '[1,"x"]', "[1.5]", "[[1]]", "[1,]", "[1 2]", '["a"]', "[1", "{}", '{"x":1}', '{"x":1,"y":"z"}', '{"x":"z","y":1}',
    '{"x":1,"x":2}', '{"y":{"k":[1, 2.50,"t"]}}', '{"x":1,}', '{x:1}', "{'x':1}", '{"x":null}', '{"z":1}', '{"x":1', '{"k":2147483648}', '{"k":1.0}', '{"":1}', '{"k":1,"k":2}',
    '"a\\nb"', '"a\\tb"', '"a\tb"', '"a\\/b"', '"a\\u0041b"', '"a\\u00e9b"', '"a\\uD83D\\uDE00b"', '"a\\ud83d"', '"\\udc0b"', '"\\udc0b\\ud83d"', '"a\\u004"', '"a\\x41"', '"a\\u0000b"',
    '"é"', '"日本"', '"😀"', '"a\u2028b"', "'x'", "'it\\'s'", "'a\"b'", '"a\'b"', "x", "undefined", '"unterminated', "", "/* c */ 1", "1 // c", "# c", "SGk=", '"SGk="', '"SGk"', '"S Gk="', '"SGk=="',
]

ROOTS = [
    "{}", " {} ", "\t{\"a\":1}\t", "null", "[]", "[{}]", '[{"a":1},{"a":2}]', '[{"a":1},null]', '[{"a":"x","b":"y"}]', '[{"a":"x","b":"y"},{"a":2}]', '[{"a":1},{"a":"x","b":"y"}]', '[1]', '[1,{"a":2}]', '[[{"a":1}]]', '[{"a":1}', '[{"a":1}]x',
    "7", '"x"', "true", "", " ", "{", "}", '{"a":1', '{"a":1,', '{"a":1,}', '{"a"}', '{"a":}', '{"a" : 1 , "b" : "x" }', '{"a":1}{"a":2}', '{"a":1} x', '{"a":1}]', '{"a":1},', '{"a":1}\x00', "\ufeff{\"a\":1}",
    '{"a":1,"a":2}', '{"a":1,"a":"x"}', '{"a":"x","a":1}', '{"A":1}', '{"a ":1}', '{"\\u0061":1}', '{"a":1 "b":"x"}', '{"a":1;"b":"x"}', "{'a':1}", "{a:1}", '{"a":1/* c */}', '{"a":1} // c', '{"zz":{"deep":[1,{"k":"v"}]},"a":1}',
    '{"zz":[1,2,"]"],"a":1}', '{"zz":"}","a":1}', '{"zz":tru,"a":1}', '{"zz":01,"a":1}', '{"zz":1.,"a":1}', '{"zz":"\\x","a":1}', '{"zz":"a\tb","a":1}', '{"zz":[1,],"a":1}', '{"zz":{"k"},"a":1}', '{"zz":NaN,"a":1}', '{"zz":+Infinity,"a":1}', "{'zz':'}','a':1}", '{"zz":[}],"a":1}',
    '{"a":1,"b":"x","c":1.5,"d":"2024-03-01T10:11:12.345Z","e":"2024-03-01","f":12.34,"g":true,"h":[1,2],"i":{"x":1,"y":"z"},"m":{"k":1},"n":"2024-03-01T10:11:12","o":9,"p":0.5,"q":"SGk=","r":3,"s":4}',
    '{"a":"x","b":"kept","c":"y","d":"z"}', '{"h":[1,"x"],"i":{"x":"p","y":"q"},"m":{"k":"v"},"b":"kept"}', '{"b":"cut', '{"b":"kept","a":tru}', '{"b":"kept","a":"x"', '{"_corrupt_record":"given","a":1}', '{"a":"x","_corrupt_record":"given"}',
    '{"i":null,"h":null,"m":null}', '{"i":{"x":null},"h":[null],"m":{"k":null}}', '{"a":{"x":1}}', '{"a":[1],"b":"kept"}', '{"i":[{"x":1}],"b":"kept"}', '{"h":{"x":1},"b":"kept"}', '{"m":[1],"b":"kept"}', '{"i":"text","b":"kept"}', '{"h":5,"b":"kept"}',
]


def json_suites():
    for name, kind in re.findall(r"(\w) ([A-Z_]+(?:[(<][^)>]*[)>])?)", EVERY):
        schema = "k STRING, %s %s, z BIGINT, _corrupt_record STRING" % (name, kind)
        yield {"name": "values of %s" % kind, "schema": schema, "options": {}, "records": ['{"k":"k","%s":%s,"z":5}' % (name, v) for v in VALUES]}
    yield {"name": "roots", "schema": CORRUPT, "options": {}, "records": ROOTS}
    yield {"name": "roots without a column for corrupt records", "schema": EVERY, "options": {}, "records": ROOTS}
    yield {"name": "roots, dropmalformed", "schema": EVERY, "options": {"mode": "DROPMALFORMED"}, "records": ROOTS}
    nested = "k STRING, v ARRAY<STRUCT<x: INT, y: STRING>>, m MAP<STRING, STRUCT<x: INT>>, s STRUCT<l: ARRAY<INT>, t: STRUCT<x: INT>>, w ARRAY<ARRAY<INT>>, z BIGINT, _corrupt_record STRING"
    yield {"name": "nested", "schema": nested, "options": {}, "records": ['{"k":"k",%s,"z":5}' % v for v in [
        '"v":[{"x":1,"y":"a"},{"x":2}]', '"v":[{"x":"p","y":"a"},{"x":1}]', '"v":[{"x":1},{"x":"p","y":"b"}]', '"v":[{"x":1},null]', '"v":[{"x":1},7]', '"v":{"x":1}', '"v":[[{"x":1}]]',
        '"m":{"a":{"x":1},"b":{}}', '"m":{"a":{"x":"p"},"b":{"x":2}}', '"m":{"a":null}', '"m":{"a":7}', '"m":{"a":{"x":1},"a":{"x":2}}', '"m":{}',
        '"s":{"l":[1,2],"t":{"x":1}}', '"s":{"l":[1,"p"],"t":{"x":1}}', '"s":{"l":[1],"t":{"x":"p"}}', '"s":{"l":7,"t":{"x":1}}', '"s":{"t":7,"l":[1]}', '"s":{"l":[1],"l":[2]}', '"s":{"t":{"x":1},"t":{"x":"p"}}',
        '"w":[[1],[2,3]]', '"w":[[1],["p"]]', '"w":[[1],null]', '"w":[[]]', '"w":[1]', '"w":"p"', '"v":[{"x":1,"x":2}]', '"v":[{"y":{"q":1}}]', '"m":{"a":{"x":1}},"m":{"b":{"x":2}}', '"k":"again","k":7', '"z":"p","z":6', '"z":6,"z":"p"']]}
    small = "a INT, b STRING, c DOUBLE, d TIMESTAMP, e DATE, n TIMESTAMP_NTZ, _corrupt_record STRING"
    words = ["1", "01", "-007", "00.5", "NaN", "-Infinity", "+INF", '"NaN"', "'x'", "x", '"a\tb"', '"a\\qb"', "1 /* c */", "{k:1}", "1.50", "true", "1700000000"]
    records = ['{"a":%s,"b":%s,"c":%s}' % (v, v, v) for v in words] + ["{'a':1}", "{a:1}", '{"a":1/*c*/}', '{"a":1//c', "{b-c:1,a:2}", "{$b_1:1,a:2}"]
    for option in ["allowUnquotedFieldNames", "allowNumericLeadingZeros", "allowComments", "allowUnquotedControlChars", "allowBackslashEscapingAnyCharacter", "primitivesAsString"]:
        yield {"name": option, "schema": small, "options": {option: "true"}, "records": records}
    for option in ["allowSingleQuotes", "allowNonNumericNumbers"]:
        yield {"name": "not " + option, "schema": small, "options": {option: "false"}, "records": records}
    times = ['{"d":%s,"e":%s,"n":%s}' % (v, v, v) for v in ['"2024-03-01T10:11:12"', '"2024-03-01"', '"01.03.2024 10:11"', '"01.03.2024"', '"2024-03-01T10:11:12Z"', '"2024-03-31T02:30:00"', '"2024-10-27T02:30:00"', "1700000000", '""']]
    yield {"name": "timeZone", "schema": small, "options": {"timeZone": "Europe/Berlin"}, "records": times}
    yield {"name": "formats", "schema": small, "options": {"timestampFormat": "dd.MM.yyyy HH:mm", "dateFormat": "dd.MM.yyyy", "timestampNTZFormat": "dd.MM.yyyy HH:mm"}, "records": times}
    yield {"name": "another corrupt column", "schema": "a INT, bad STRING", "options": {"columnNameOfCorruptRecord": "bad"}, "records": ['{"a":1}', '{"a":"x"}', '{"a"', '{"a":1,"bad":"x"}']}


CELLS = ["", " ", "1", " 1 ", "-1", "+1", "01", "1.0", "1.5", "1e2", "1E2", "1d", "0x10", "NaN", "nan", "Inf", "-Inf", "Infinity", "INF", "128", "32768", "2147483648", "9223372036854775808", "12.345", "99999999.99", "100000000", "1,5",
         "true", "false", "True", "TRUE", "yes", "t", "0", "null", "NULL", "x", "\"x\"", "\"\"", "\" x \"", "\"a,b\"", "\"a\"\"b\"", "\"a\\\"b\"", "\"a\\\\b\"", "a\\b", "a\"b", "\"a", "\"a\"b", "'x'", "2024-03-01", "2024-3-1", "2024-02-30", "2024-03-01T10:11:12",
         "2024-03-01 10:11:12", "2024-03-01T10:11:12Z", "2024-03-01T10:11:12+02:00", "2024-03-01T10:11:12.345678", "2024-03-01T10:11", "2024", "2024-03", "1700000000", "#x", "é", "日本", "a\tb"]


def csv_suites():
    wide = "a INT, b STRING, c DOUBLE, d TIMESTAMP, e DATE, f DECIMAL(10,2), g BOOLEAN, n TIMESTAMP_NTZ, o BIGINT, p FLOAT, r SMALLINT, s TINYINT"
    names = [f.split(" ")[0] for f in wide.replace("(10,2)", "").split(", ")]
    types = [f.split(" ")[1] for f in wide.replace("10,2", "10|2").split(", ")]
    for name, kind in zip(names, types):
        yield {"name": "cells of " + name, "schema": "k STRING, v %s, z INT, _corrupt_record STRING" % kind.replace("|", ","), "options": {}, "records": ["k,%s,7" % v for v in CELLS]}
    rows = ["", " ", ",", ",,", "a", "a,1", "a,1,7", "a,1,7,9", "a,1,7,", "a,x,7", ",,7", "a,1,x", "\"a\nb\",1,7", "\"a", "a,\"1\",7", "a, \"1\" ,7", " a , 1 , 7 ", "\ufeffa,1,7", "#a,1,7", "a\t1\t7", "a||1||7", "a;1;7", "a,1,7\r", "'a,b',1,7", "\"a,b\",1,7", "a,,", "a,NA,7", "\"\",\"\",\"\"", "a,-,7",
            'a,"1" ,7', '"a" ,1,7', '"a"  b,1,7', '"a\\,b",1,7', '"a\\xb",1,7', '"a\\\\",1,7', '"a\\"",1,7', '"a"x"b",1,7', '""a,1,7', '"""a""",1,7', 'a""b,1,7', '"a"",1,7', '"a"",b",1,7', ' "a",1,7', '"a,1,7', '"a"\t,1,7', 'a,"",7', 'a,"NA",7', '"NA",1,7', 'a\\,b,1,7', '\\"a,1,7']
    for name, options in [("rows", {}), ("dropmalformed", {"mode": "DROPMALFORMED"}), ("tabs", {"sep": "\\t"}), ("two letters", {"sep": "||"}), ("semicolons", {"delimiter": ";"}), ("comment", {"comment": "#"}), ("nullValue", {"nullValue": "NA"}), ("emptyValue", {"emptyValue": "EMPTY"}),
                          ("single quotes", {"quote": "'"}), ("no quotes", {"quote": ""}), ("trimmed", {"ignoreLeadingWhiteSpace": "true", "ignoreTrailingWhiteSpace": "true"}), ("escape", {"escape": "\""}), ("nanValue", {"nanValue": "-"}), ("positiveInf", {"positiveInf": "x"})]:
        yield {"name": name, "schema": "k STRING, v DOUBLE, z INT, _corrupt_record STRING" if name != "dropmalformed" else "k STRING, v DOUBLE, z INT", "options": options, "records": rows}
    times = ["k,%s,7" % v for v in ["2024-03-01T10:11:12", "2024-03-01", "01.03.2024 10:11", "01.03.2024", "2024-03-31T02:30:00"]]
    for name, options in [("escape of escapes", {"charToEscapeQuoteEscaping": "\\"}), ("another escape", {"escape": "^"}), ("only leading blanks", {"ignoreLeadingWhiteSpace": "true"}), ("unescaped quotes stop at the quote", {"unescapedQuoteHandling": "STOP_AT_CLOSING_QUOTE"}),
                          ("unescaped quotes go back", {"unescapedQuoteHandling": "BACK_TO_DELIMITER"}), ("unescaped quotes are skipped", {"unescapedQuoteHandling": "SKIP_VALUE"}), ("locale", {"locale": "de-DE"}), ("unknown mode", {"mode": "ODD"})]:
        yield {"name": name, "schema": "k STRING, v DOUBLE, z INT, _corrupt_record STRING", "options": options, "records": rows}
    yield {"name": "escape of escapes with another escape", "schema": "k STRING, v DOUBLE, z INT, _corrupt_record STRING", "options": {"escape": "^", "charToEscapeQuoteEscaping": "^"}, "records": ['"a^"b",1,7', '"a^^b",1,7', '"a^^",1,7', '"a^",1,7', '"a^x",1,7', '"a^^^"b",1,7']}
    for kind, option in [("TIMESTAMP", "timestampFormat"), ("DATE", "dateFormat"), ("TIMESTAMP_NTZ", "timestampNTZFormat")]:
        schema = "k STRING, v %s, z INT, _corrupt_record STRING" % kind
        yield {"name": option, "schema": schema, "options": {option: "dd.MM.yyyy" + ("" if kind == "DATE" else " HH:mm")}, "records": times}
        yield {"name": kind + " in Berlin", "schema": schema, "options": {"timeZone": "Europe/Berlin"}, "records": times}


def session():
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
             .config("spark.sql.shuffle.partitions", "1").config("spark.sql.files.openCostInBytes", "1").config("spark.sql.warehouse.dir", "/tmp/rivulet-records-warehouse").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    return spark


def of_files(spark, kind, suite):
    """The rows of each record, which is a file of its own; `{"error": …}` if any fails."""
    folder = tempfile.mkdtemp()
    for i, record in enumerate(suite["records"]):
        with open(os.path.join(folder, "r%04d.%s" % (i, kind)), "w", encoding="utf-8", newline="") as out:
            out.write(record + "\n")
    frame = spark.read.schema(suite["schema"]).options(**suite["options"]).format(kind).load(folder)
    found = [[] for _ in suite["records"]]
    cells = ["CAST(`%s` AS STRING)" % c for c in frame.columns if c != "q"] + ["base64(q)" for c in frame.columns if c == "q"]
    try:
        for row in frame.selectExpr("_metadata.file_name AS file", *cells).collect():
            found[int(row[0][1:5])].append(list(row[1:]))
    except Exception as error:
        return {"error": getattr(error, "getCondition", lambda: None)() or str(error)[:200]}
    return found


def of_function(spark, kind, suite):
    """The cells of the struct that the function makes of each record; `None` for a null, `{"error": …}` if it fails."""
    from pyspark.sql import functions as F
    frame = spark.createDataFrame([(i, r) for i, r in enumerate(suite["records"])], "i INT, r STRING").coalesce(1)
    read = (F.from_json if kind == "json" else F.from_csv)("r", suite["schema"], suite["options"])
    try:
        read = frame.select("i", read.alias("v"))
        names = read.schema["v"].dataType.names
        cells = ["CAST(v.`%s` AS STRING)" % c for c in names if c != "q"] + ["base64(v.q)" for c in names if c == "q"]
        rows = read.selectExpr("i", "v IS NULL", *cells).orderBy("i").collect()
        return [None if row[1] else list(row[2:]) for row in rows]
    except Exception as error:
        return {"error": getattr(error, "getCondition", lambda: None)() or str(error)[:200]}


INFERRED = {
    "json": [
        ['{"a":1}'], ['{"a":1}', '{"a":2.5}'], ['{"a":1}', '{"a":"x"}'], ['{"a":1}', '{"b":true}'], ['{"a":null}'], ['{"a":null}', '{"a":1}'], ['{"a":[]}'], ['{"a":[1,2.5]}'], ['{"a":[1,"x"]}'], ['{"a":[null]}'], ['{"a":{}}'], ['{"a":{"b":1,"a":"x"}}'], ['{"a":{"b":1}}', '{"a":{"c":2}}'],
        ['{"a":{"b":1}}', '{"a":7}'], ['{"a":[1]}', '{"a":7}'], ['{"z":1,"a":2,"M":3}'], ['{"a":9223372036854775808}'], ['{"a":123456789012345678901234567890123456789}'], ['{"a":1e3}'], ['{"a":NaN}'], ['{"a":"NaN"}'], ['{"a":9223372036854775808}', '{"a":1.5}'], ['{"a":9223372036854775808}', '{"a":1}'],
        ['{"a":"2024-03-01"}'], ['{"a":"2024-03-01T10:11:12Z"}'], ['{"a":true}', '{"a":1}'], ['{"a":1}', '{broken'], ['{broken'], ['{"a":1}', '7'], ['7'], ['[{"a":1},{"b":2}]'], ['[1]'], ['[]'], ['{}'], ['null'], [''], [], ['{"a":1}', '', ' ', '{"a":2}'], ['{"a":1,"a":"x"}'], ["{'a':1}"], ['{"a b":1,"c.d":2}'], ['{"_corrupt_record":1}'],
        ['{"a":[{"x":1},{"y":2}]}'], ['{"a":[[1],[2.5]]}'], ['{"a":1}{"b":2}'], ['{"a":"x"}', '{"a":null}'], ['{"a":{"b":null}}'], ['{"a":[{}]}'],
    ],
    "csv": [
        ["1"], ["1", "2.5"], ["1", "x"], ["1,x"], ["1,x", "2"], ["1", "2,y"], [""], [], ["a,b", "1,2"], ["2147483648"], ["9223372036854775808"], ["99999999999999999999999999999999999999999"], ["1.0"], ["1e3"], ["NaN"], ["Inf"], ["true"], ["TRUE", "false"], ["true", "1"], ["yes"], ["2024-03-01"], ["2024-03-01", "2024-03-01T10:11:12"], ["2024-03-01T10:11:12"], ["2024-03-01T10:11:12Z"],
        ["2024-03-01T10:11:12", "2024-03-01T10:11:12Z"], ["2024-03-01", "1"], ["1", "2024-03-01"], [",1"], [",1", "2,"], ["\"1\""], [" 1 "], ["+1"], ["01"], ["1d"], ["x,\"a,b\",1"], ["9223372036854775808", "1.5"], ["9223372036854775808", "1"], ["1.5", "2147483648"], ["2024-3-1"], ["2024"], ["2024-03"], ["0x10"], ["null"], ["1", "", "2"], ["#c", "1"], ["a,a,b", "1,2,3"], ["a,,b", "1,2,3"], ["A,a", "1,2"], ["a b,c.d", "1,2"],
    ],
}


def inferred(spark, kind):
    """The schemas that Spark infers for files of some lines, or the condition of its refusal."""
    import compare
    plain = {"json": [{}, {"primitivesAsString": "true"}, {"prefersDecimal": "true"}, {"inferTimestamp": "true"}, {"dropFieldIfAllNull": "true"}, {"mode": "DROPMALFORMED"}, {"mode": "FAILFAST"}, {"allowNonNumericNumbers": "false"}],
             "csv": [{"inferSchema": "true"}, {}, {"header": "true", "inferSchema": "true"}, {"inferSchema": "true", "preferDate": "false"}, {"inferSchema": "true", "nullValue": "1"}]}[kind]
    for options in plain:
        for lines in INFERRED[kind]:
            folder = tempfile.mkdtemp()
            with open(os.path.join(folder, "f." + kind), "w", encoding="utf-8", newline="") as out:
                out.write("".join(line + "\n" for line in lines))
            try:
                answer = {"schema": compare.ddl(spark.read.options(**options).format(kind).load(folder).schema)}
            except Exception as error:
                answer = {"error": getattr(error, "getCondition", lambda: None)() or str(error)[:200]}
            yield {"format": kind, "options": options, "lines": lines, **answer}


def main():
    kind = sys.argv[1]
    spark = session()
    out = []
    if kind == "inferred":
        rows = [json.dumps(case, ensure_ascii=False) for kind in ("json", "csv") for case in inferred(spark, kind)]
        print("[\n" + ",\n".join(rows) + "\n]")
        return
    for suite in json_suites() if kind == "json" else csv_suites():
        out.append(json.dumps({**suite, "file": of_files(spark, kind, suite), "function": of_function(spark, kind, suite)}, ensure_ascii=False))
        print(suite["name"], file=sys.stderr)
    print("[\n" + ",\n".join(out) + "\n]")


main()
