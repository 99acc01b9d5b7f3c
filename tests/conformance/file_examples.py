"""Asks real Spark what it reads in files: dialects, options, encodings, names of files and folders, wrong ones with their conditions.

    python file_examples.py ../goldens/sql/files

Needs Java. Writes one case file per reading, in the form of the sql goldens; see their FORMAT.md. A case makes its files itself.
"""
import gzip
import os
import sys
import zlib

os.environ.setdefault("TZ", "UTC")

from name_examples import session, write

BOM = b"\xef\xbb\xbf"
QUOTES = b'1,"a\nb",x\n2,"c ""d"" e",y\n3,plain,z\n'
OBJECTS = b'{"a": 1, "b": "x"}\n{"a": 2}\n'
NUMBERS = "a INT, b STRING, c STRING"
CORRUPT = "a INT, b STRING, _corrupt_record STRING"


def csv(schema=NUMBERS, **options):
    return "spark.read.schema(%r).options(**%r).csv(d)" % (schema, options)


def json(schema=CORRUPT, **options):
    return "spark.read.schema(%r).options(**%r).json(d)" % (schema, options)


def text(**options):
    return "spark.read.options(**%r).text(d)" % options


def inferred(form, **options):
    return "spark.read.options(**%r).%s(d)" % (options, form)




CASES = {
    # Records of several lines.
    "csv_multiline": ({"a.csv": QUOTES}, csv(multiLine=True)),
    "csv_multiline_crlf": ({"a.csv": QUOTES.replace(b"\n", b"\r\n")}, csv(multiLine=True)),
    "csv_multiline_cr": ({"a.csv": QUOTES.replace(b"\n", b"\r")}, csv(multiLine=True)),
    "csv_multiline_header": ({"a.csv": b"a,b,c\n" + QUOTES}, csv(multiLine=True, header=True)),
    "csv_multiline_doubled_at_end": ({"a.csv": b'1,"a""\nb",x\n2,"c",y\n'}, csv(multiLine=True)),
    "csv_multiline_escape": ({"a.csv": b'1,"a\\"\nb",x\n2,"c""\nd",y\n'}, csv(multiLine=True, escape='"')),
    "csv_multiline_open": ({"a.csv": b'1,"open\n2,b,c\n'}, csv(multiLine=True)),
    "csv_multiline_blank_lines": ({"a.csv": b'\n1,"a\n\nb",x\n\n2,c,d\n'}, csv(multiLine=True)),
    "csv_multiline_comment": ({"a.csv": b'#1,"x\n1,"a\n#b",x\n'}, csv(multiLine=True, comment="#")),
    "csv_multiline_inferred": ({"a.csv": b'a,b\n1,"x\ny"\n2,z\n'}, inferred("csv", multiLine=True, header=True, inferSchema=True)),
    "csv_multiline_corrupt": ({"a.csv": b'one,"a\nb",x\n2,c,d\n'}, csv("a INT, b STRING, c STRING, _corrupt_record STRING", multiLine=True)),
    "json_multiline_object": ({"a.json": b'{\n "a": 1,\n "b": "x"\n}\n'}, json(multiLine=True)),
    "json_multiline_array": ({"a.json": b'[\n {"a": 1},\n {"a": 2, "b": "y"}\n]\n'}, json(multiLine=True)),
    "json_multiline_two": ({"a.json": b'{"a": 1}\n{"a": 2}\n'}, json(multiLine=True)),
    "json_multiline_broken": ({"a.json": b'{"a": 1,\n "b": \n}\n'}, json(multiLine=True)),
    "json_multiline_inferred": ({"a.json": b'[\n {"a": 1},\n {"a": 2.5, "b": "y"}\n]\n'}, inferred("json", multiLine=True)),
    "text_whole": ({"a.txt": BOM + b"x\r\ny\n", "b.txt": b""}, text(wholetext=True)),
    # Line ends.
    "csv_line_ends": ({"a.csv": b"1,a,b\r2,c,d\r\n3,e,f\n\n4,g,h"}, csv()),
    "csv_line_sep": ({"a.csv": b"1,a,b;2,c\n,d;"}, csv(lineSep=";")),
    "csv_line_sep_two": ({"a.csv": b"1,a,b||2,c,d||"}, csv(lineSep="||")),
    "csv_line_sep_long": ({"a.csv": b"1,a,b"}, csv(lineSep="|||")),
    "json_line_sep": ({"a.json": b'{"a": 1};{"a":\n2};'}, json(lineSep=";")),
    "json_line_sep_empty": ({"a.json": OBJECTS}, json(lineSep="")),
    "text_line_sep": ({"a.txt": b"a;b\nc;;d;"}, text(lineSep=";")),
    "text_line_ends": ({"a.txt": BOM + b"one\r\ntwo\n\nfour\rfive", "b.txt": b"\n", "c.txt": b""}, text()),
    # Letters.
    "csv_bom": ({"a.csv": BOM + b"1,a,b\n"}, csv()),
    "csv_bom_header": ({"a.csv": BOM + b"a,b,c\n1,a,b\n"}, inferred("csv", header=True)),
    "csv_latin": ({"a.csv": b"1,\xe4\xf6,b\n"}, csv(encoding="ISO-8859-1")),
    "csv_charset": ({"a.csv": b"1,\xe4\xf6,b\n"}, csv(charset="iso-8859-1")),
    "csv_utf16_multiline": ({"a.csv": "1,\u00e4,b\n2,c,d\n".encode("utf-16")}, csv(encoding="UTF-16", multiLine=True)),
    "json_utf16": ({"a.json": '{"a": 1, "b": "\u00e4"}\n{"a": 2}\n'.encode("utf-16-le")}, json(encoding="UTF-16LE", lineSep="\n")),
    "json_utf16_no_line_sep": ({"a.json": OBJECTS}, json(encoding="UTF-16LE")),
    "json_utf16_denied": ({"a.json": OBJECTS}, json(encoding="UTF-16")),
    "json_utf16_multiline": ({"a.json": '{"a": 1, "b": "\u00e4"}'.encode("utf-16")}, json(encoding="UTF-16", multiLine=True)),
    "json_utf32": ({"a.json": '{"a": 1, "b": "\u00e4"}\n'.encode("utf-32")}, json(encoding="UTF-32", multiLine=True)),
    # Wrong records and columns.
    "csv_failfast": ({"a.csv": b"1,a,b\none,c,d\n"}, csv(mode="FAILFAST")),
    "csv_dropmalformed": ({"a.csv": b"1,a,b\none,c,d\n2,e\n"}, csv(mode="DROPMALFORMED")),
    "json_failfast": ({"a.json": b'{"a": 1}\n{"a": "x"}\n'}, json("a INT, b STRING", mode="FAILFAST")),
    "csv_header_other": ({"a.csv": b"b,a,c\n1,a,b\n"}, csv(header=True, enforceSchema=False)),
    "csv_header_other_enforced": ({"a.csv": b"b,a,c\n1,a,b\n"}, csv(header=True)),
    "csv_header_case": ({"a.csv": b"A,B,C\n1,a,b\n"}, csv(header=True, enforceSchema=False)),
    "csv_header_short": ({"a.csv": b"a,b\n1,a\n"}, csv(header=True, enforceSchema=False)),
    "csv_array": ({"a.csv": b"1\n"}, csv("a ARRAY<INT>")),
    "csv_struct": ({"a.csv": b"1\n"}, csv("a STRUCT<b: INT>")),
    "csv_map": ({"a.csv": b"1\n"}, csv("a MAP<STRING, INT>")),
    "csv_long_sep": ({"a.csv": b"1::a::b\n"}, csv(sep="::")),
    "csv_long_quote": ({"a.csv": b"1,a,b\n"}, csv(quote="''")),
    "csv_no_quote": ({"a.csv": b'1,"a,b\n'}, csv(quote="")),
    "csv_words": ({"a.csv": b"1,nix,\"\"\n2,,-\n"}, csv(nullValue="-", emptyValue="leer")),
    "csv_floats": ({"a.csv": b"1,nan,inf\n2,NaN,-inf\n"}, csv("a INT, b DOUBLE, c DOUBLE", nanValue="nan", positiveInf="inf", negativeInf="-inf")),
    "csv_blanks": ({"a.csv": b" 1 , a ,\" b \"\n"}, csv("a INT, b STRING, c STRING", ignoreLeadingWhiteSpace=True, ignoreTrailingWhiteSpace=True)),
    "csv_formats": ({"a.csv": b"31/12/2030,2030|12|31 07:08,x\n"}, csv("a DATE, b TIMESTAMP, c STRING", dateFormat="dd/MM/yyyy", timestampFormat="yyyy|MM|dd HH:mm")),
    # Files and folders.
    "gzip": ({"a.json.gz": gzip.compress(b'{"a": 1}\n{"a": 2}\n', mtime=0), "b.json": b'{"a": 3}\n'}, json()),
    "gzip_members": ({"a.json.gz": gzip.compress(b'{"a": 1}\n', mtime=0) + gzip.compress(b'{"a": 2}\n', mtime=0)}, json()),
    "deflate": ({"a.csv.deflate": zlib.compress(b"1,a,b\n")}, csv()),
    "gzip_inferred": ({"a.csv.gz": gzip.compress(b"x,y\n1,2.5\n", mtime=0)}, inferred("csv", header=True, inferSchema=True)),
    "hidden": ({"_a.json": OBJECTS, ".b.json": OBJECTS, "c.json._COPYING_": OBJECTS, "_k=1.json": OBJECTS, "d.json": OBJECTS}, json()),
    "glob": ({"a.json": OBJECTS, "b.json": OBJECTS, "ab.csv": OBJECTS}, json().replace("(d)", "(d + '/[ac]*.{json,txt}')")),
    "glob_nothing": ({"a.json": OBJECTS}, json().replace("(d)", "(d + '/z*')")),
    "missing": ({"a.json": OBJECTS}, json().replace("(d)", "(d + '/no')")),
    "missing_of_two": ({"a.json": OBJECTS}, json().replace("(d)", "([d, d + '/no'])")),
    "empty_folder": ({}, json()),
    "empty_folder_inferred": ({}, inferred("json")),
    "name_filter": ({"a.json": OBJECTS, "b.txt": OBJECTS}, json(pathGlobFilter="*.txt")),
    "before": ({"a.json": OBJECTS}, json(modifiedBefore="2020-01-01T00:00:00")),
    "after": ({"a.json": OBJECTS}, json(modifiedAfter="2020-01-01T00:00:00")),
    "deep": ({"x/a.json": OBJECTS, "b.json": b'{"a": 7}\n'}, json()),
    "deep_recursive": ({"x/a.json": OBJECTS, "b.json": b'{"a": 7}\n'}, json(recursiveFileLookup=True)),
    "partition": ({"day=2031-04-05/n=1/a.json": OBJECTS, "day=2031-04-06/n=2/a.json": OBJECTS}, json("a INT")),
    "partition_declared": ({"day=2031-04-05/a.json": OBJECTS}, json("day STRING, a INT")),
    "partition_inferred": ({"k=1/a.json": b'{"z": 1}\n', "k=x/a.json": b'{"z": 2}\n'}, inferred("json")),
    "partition_null": ({"k=__HIVE_DEFAULT_PARTITION__/a.json": OBJECTS, "k=2.5/a.json": OBJECTS}, json("a INT")),
    "partition_escaped": ({"k=a%20b%2Fc/a.json": OBJECTS}, json("a INT")),
    "partition_csv": ({"k=1/a.csv": b"5,x,y\n"}, csv()),
    "partition_text": ({"k=1/a.txt": b"line\n"}, text()),
    "partition_only": ({"k=1/a.json": OBJECTS, "k=2/a.json": OBJECTS}, json("a INT") + ".groupBy('k').count()"),
    "partition_base": ({"k=1/a.json": OBJECTS}, "spark.read.schema('a INT').option('basePath', d).json(d + '/k=1')"),
    "partition_below": ({"k=1/a.json": OBJECTS}, "spark.read.schema('a INT').json(d + '/k=1')"),
    "file_name": ({"a b.json": b'{"a": 1}\n'}, json("a INT") + ".select('a', F.regexp_extract(F.input_file_name(), '[^/]*$', 0).alias('f'))"),
    "file_name_of_none": ({}, "spark.range(1).select(F.input_file_name().alias('f'))"),
    "metadata": ({"a.json": b'{"a": 1}\n'}, json("a INT") + ".select('a', '_metadata.file_name', '_metadata.file_size', '_metadata.file_block_start', '_metadata.file_block_length')"),
    "metadata_filter": ({"a.json": OBJECTS, "b.json": OBJECTS}, json("a INT") + ".where(F.col('_metadata.file_name') == 'b.json')"),
    "metadata_star": ({"a.json": b'{"a": 1}\n'}, json("a INT") + ".select('*')"),
    # Options that few know.
    "csv_max_chars": ({"a.csv": b"1,abcdef,x\n2,ab,y\n"}, csv(maxCharsPerColumn=4)),
    "csv_max_columns": ({"a.csv": b"1,a,b,c,d\n"}, csv(maxColumns=3)),
    "csv_max_columns_enough": ({"a.csv": b"1,a,b\n"}, csv(maxColumns=3)),
    "csv_ntz_format": ({"a.csv": b"2031/04/05 06:07,x,y\n"}, csv("a TIMESTAMP_NTZ, b STRING, c STRING", timestampNTZFormat="yyyy/MM/dd HH:mm")),
    "json_ntz_format": ({"a.json": b'{"a": "2031/04/05 06:07"}\n'}, json("a TIMESTAMP_NTZ", timestampNTZFormat="yyyy/MM/dd HH:mm")),
    "json_infer_timestamp": ({"a.json": b'{"a": "2031-04-05T06:07:08", "b": "x"}\n'}, inferred("json", inferTimestamp=True)),
    "json_infer_timestamp_off": ({"a.json": b'{"a": "2031-04-05T06:07:08"}\n'}, inferred("json")),
    "csv_infer_ntz": ({"a.csv": b"2031-04-05 06:07:08\n"}, inferred("csv", inferSchema=True)),
    "csv_infer_date": ({"a.csv": b"2031-04-05\n2031-04-06\n"}, inferred("csv", inferSchema=True)),
    "csv_infer_date_off": ({"a.csv": b"2031-04-05\n"}, inferred("csv", inferSchema=True, preferDate=False)),
    "csv_infer_mixed": ({"a.csv": b"1,2031-04-05,true\n2.5,2031-04-05 01:02:03,x\n"}, inferred("csv", inferSchema=True)),
    "json_primitives": ({"a.json": b'{"a": 1, "b": true, "c": 2.5, "d": null, "e": [1]}\n'}, inferred("json", primitivesAsString=True)),
    "json_decimal": ({"a.json": b'{"a": 1.25, "b": 123456789012345678901234}\n'}, inferred("json", prefersDecimal=True)),
    "json_drop_nulls": ({"a.json": b'{"a": null, "b": [], "c": {}, "d": 1}\n'}, inferred("json", dropFieldIfAllNull=True)),
    "json_sampling_zero": ({"a.json": OBJECTS}, inferred("json", samplingRatio=0)),
    "json_comments": ({"a.json": b'/* c */ {"a": 1}\n'}, json(allowComments=True)),
    "json_unquoted": ({"a.json": b"{a: 1, 'b': 'x'}\n"}, json(allowUnquotedFieldNames=True)),
    "json_zeros": ({"a.json": b'{"a": 007}\n'}, json(allowNumericLeadingZeros=True)),
    "json_escapes": ({"a.json": b'{"a": 1, "b": "\\q"}\n'}, json(allowBackslashEscapingAnyCharacter=True)),
    "json_controls": ({"a.json": b'{"a": 1, "b": "x\ty"}\n'}, json(allowUnquotedControlChars=True)),
    "json_no_single_quotes": ({"a.json": b"{'a': 1}\n"}, json(allowSingleQuotes=False)),
    "json_no_nan": ({"a.json": b'{"a": NaN}\n'}, json("a DOUBLE, _corrupt_record STRING", allowNonNumericNumbers=False)),
    "json_corrupt_named": ({"a.json": b'{"a": "x"}\n'}, json("a INT, bad STRING", columnNameOfCorruptRecord="bad")),
    "json_corrupt_typed": ({"a.json": b'{"a": "x"}\n'}, json("a INT, bad INT", columnNameOfCorruptRecord="bad")),
    "json_mode_odd": ({"a.json": b'{"a": "x"}\n'}, json(mode="SOMETIMES")),
    "csv_sep_odd": ({"a.csv": b"1\t2\n"}, csv("a INT, b STRING", sep="\\t")),
    "csv_sep_wrong": ({"a.csv": b"1\n"}, csv("a INT", sep="\\")),
    "csv_unescaped_skip": ({"a.csv": b'1,"a"b,c\n'}, csv(unescapedQuoteHandling="SKIP_VALUE")),
    "csv_unescaped_closing": ({"a.csv": b'1,"a"b",c\n'}, csv(unescapedQuoteHandling="STOP_AT_CLOSING_QUOTE")),
    "csv_time_zone": ({"a.csv": b"2031-04-05 06:07:08,x,y\n"}, csv("a TIMESTAMP, b STRING, c STRING", timeZone="America/New_York")),
    "json_time_zone": ({"a.json": b'{"a": "2031-04-05 06:07:08"}\n'}, json("a TIMESTAMP", timeZone="Asia/Tokyo")),
    "json_time_zone_wrong": ({"a.json": OBJECTS}, json("a TIMESTAMP", timeZone="Mars")),
    "gzip_corrupt": ({"a.json.gz": gzip.compress(b'{"a": 1}\n', mtime=0)[:-9], "b.json": b'{"a": 3}\n'}, json()),
    "gzip_corrupt_ignored": ({"a.json.gz": b"\x1f\x8b\x08\x00\x00", "b.json": b'{"a": 3}\n'}, json(ignoreCorruptFiles=True)),
    "flag_wrong": ({"a.csv": b"1,a,b\n"}, csv(header="perhaps")),
    "flag_wrong_json": ({"a.json": OBJECTS}, json(multiLine="perhaps")),
    "number_wrong": ({"a.csv": b"1,a,b\n"}, csv(maxColumns="many")),
    "csv_two_files_headers": ({"a.csv": b"a,b,c\n1,x,y\n", "b.csv": b"a,b,c\n2,z,w\n"}, csv(header=True)),
    "csv_ragged": ({"a.csv": b"1\n1,a\n1,a,b,c\n\n"}, csv("a INT, b STRING, c STRING, _corrupt_record STRING")),
    "csv_only_header": ({"a.csv": b"a,b\n"}, inferred("csv", header=True)),
    "csv_empty": ({"a.csv": b""}, inferred("csv", header=True)),
    "csv_same_names": ({"a.csv": b"a,A,a,\n1,2,3,4\n"}, inferred("csv", header=True)),
    "text_two_columns": ({"a.txt": b"x\n"}, "spark.read.schema('a STRING, b STRING').text(d)"),
    "text_int": ({"a.txt": b"x\n"}, "spark.read.schema('a INT').text(d)"),
    "text_renamed": ({"a.txt": b"x\n"}, "spark.read.schema('line STRING').text(d)"),
}


def main(folder):
    spark = session(folder)
    for name, (files, read) in CASES.items():
        code = ["import os, tempfile", "d = tempfile.mkdtemp(prefix='rivulet-')"]
        for path, data in files.items():
            if "/" in path:
                code.append("os.makedirs(d + %r, exist_ok=True)" % ("/" + path.rsplit("/", 1)[0]))
            code.append("_ = open(d + %r, 'wb').write(%r)" % ("/" + path, data))
        case = {"id": name, "family": "files", "description": read, "spark": spark.version, "tables": [], "code": code + ["out = " + read]}
        write(case, folder, spark)
    print("%d cases in %s" % (len(CASES), folder))


if __name__ == "__main__":
    main(sys.argv[1])
