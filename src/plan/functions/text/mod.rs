//! Functions of strings and bytes.
//!
//! Positions count characters (Unicode code points) from 1, lengths count characters too; for BINARY
//! both count bytes. Case and letters are Unicode's, digits and words of patterns ASCII's, as in Java.
//! Collations other than the binary one are not applied.
//!
//! ```text
//! basic        case, length, joining, trimming, substrings
//! edit         padding, cutting, replacing, masking, UTF-8
//! search       positions, distances, sounds, checks
//! regex        Java's regular expressions, split
//! format       format_string
//! codec        base64, hex, character sets
//! url          parse_url, url_encode, url_decode
//! jaro_winkler similarity
//! ```

mod base32;
pub(super) mod basic;
pub(super) mod codec;
pub(super) mod edit;
pub(super) mod format;
pub(super) mod jaro_winkler;
mod java_blocks;
mod java_class;
mod java_pattern;
pub mod pattern;
pub mod regex;
pub(super) mod search;
pub(super) mod url;

use super::entry::*;

/// Functions of strings and bytes.
///
/// Without words about nulls, an entry is null if an argument is. An argument in single quotes is what
/// Spark uses if it is missing.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("upper", |c| basic::changed(c, str::to_uppercase)).aliases(&["ucase"]).takes(&[string("str")]).returns("STRING")
        .about("Returns the string in upper case.")
        .example("upper('Rivulet')", "RIVULET"),
    scalar("lower", |c| basic::changed(c, str::to_lowercase)).aliases(&["lcase"]).takes(&[string("str")]).returns("STRING")
        .about("Returns the string in lower case.")
        .example("lower('Rivulet')", "rivulet"),
    scalar("initcap", |c| basic::changed(c, basic::initcap)).takes(&[string("str")]).returns("STRING")
        .about("Returns the string with the first letter of each word in upper case and the others in lower case.")
        .example("initcap('a quiet STREAM')", "A Quiet Stream"),
    scalar("reverse", basic::reverse).takes(&[value("expr", "STRING or ARRAY")]).returns("the type of the argument")
        .about("Returns the characters of a string, or the elements of an array, in reverse order.")
        .example("reverse('stream')", "maerts"),
    scalar("length", |c| basic::length(c, basic::Unit::Characters)).aliases(&["len", "char_length", "character_length"])
        .takes(&[value("expr", "STRING or BINARY")]).returns("INT")
        .about("Returns the number of characters of a string, trailing spaces included, or of bytes of a binary.")
        .example("length('größe ')", "6"),
    scalar("octet_length", |c| basic::length(c, basic::Unit::Bytes)).takes(&[value("expr", "STRING or BINARY")]).returns("INT")
        .about("Returns the number of bytes, in UTF-8 for strings.")
        .example("octet_length('größe')", "7"),
    scalar("bit_length", |c| basic::length(c, basic::Unit::Bits)).takes(&[value("expr", "STRING or BINARY")]).returns("INT")
        .about("Returns the number of bits, in UTF-8 for strings.")
        .example("bit_length('größe')", "56"),
    scalar("ascii", basic::ascii).takes(&[string("str")]).returns("INT")
        .about("Returns the code of the first character, 0 for the empty string.")
        .example("ascii('Anna')", "65"),
    scalar("char", basic::character).aliases(&["chr"]).takes(&[long("n")]).returns("STRING")
        .about("Returns the character with the code `n` modulo 256, the empty string for negative numbers.")
        .example("char(65)", "A"),
    scalar("trim", basic::trim_both).takes(&[string("str"), string("trimStr").optional()]).returns("STRING")
        .about("Removes spaces, or the given characters, from both ends. With two arguments the characters come first.")
        .example("trim('  stream ')", "stream"),
    scalar("btrim", basic::btrim).takes(&[string("str"), string("trimStr").optional()]).returns("STRING")
        .about("Removes spaces, or the given characters, from both ends.")
        .example("btrim('xxstreamx', 'x')", "stream"),
    scalar("ltrim", basic::trim_left).takes(&[string("str"), string("trimStr").optional()]).returns("STRING")
        .about("Removes spaces, or the given characters, from the start. With two arguments the characters come first.")
        .example("ltrim('  stream ')", "stream "),
    scalar("rtrim", basic::trim_right).takes(&[string("str"), string("trimStr").optional()]).returns("STRING")
        .about("Removes spaces, or the given characters, from the end. With two arguments the characters come first.")
        .example("rtrim('  stream ')", "  stream"),
    scalar("concat", basic::concat).aliases(&["||"]).takes(&[value("col", "STRING, BINARY or ARRAY").repeated()])
        .returns("STRING, BINARY or ARRAY")
        .about("Joins strings, binaries or arrays end to end.")
        .example("concat('rivu', 'let')", "rivulet"),
    scalar("concat_ws", basic::concat_with).takes(&[text("sep"), value("str", "STRING or ARRAY<STRING>").repeated()])
        .returns("STRING").null_if("Null if the separator is null; other nulls are left out.")
        .about("Joins strings and the elements of arrays with a separator between them.")
        .example("concat_ws('-', 'a', null, array('b', 'c'))", "a-b-c"),
    scalar("startswith", |c| basic::compared(c, basic::Place::Start))
        .takes(&[value("left", "STRING or BINARY"), value("right", "STRING or BINARY")]).returns("BOOLEAN")
        .about("Tests whether the left value begins with the right one.")
        .example("startswith('Rivulet', 'Riv')", "true"),
    scalar("endswith", |c| basic::compared(c, basic::Place::End))
        .takes(&[value("left", "STRING or BINARY"), value("right", "STRING or BINARY")]).returns("BOOLEAN")
        .about("Tests whether the left value ends with the right one.")
        .example("endswith('Rivulet', 'let')", "true"),
    scalar("contains", |c| basic::compared(c, basic::Place::Anywhere))
        .takes(&[value("left", "STRING or BINARY"), value("right", "STRING or BINARY")]).returns("BOOLEAN")
        .about("Tests whether the right value is part of the left one.")
        .example("contains('Rivulet', 'vul')", "true"),
    scalar("substring", basic::substring).aliases(&["substr"])
        .takes(&[value("str", "STRING or BINARY"), int("pos"), int("len").optional()]).returns("STRING or BINARY")
        .about("Returns the part that begins at `pos`, counted from 1 or from the end if negative, of at most `len` characters or bytes.")
        .example("substring('Rivulet', -3, 2)", "le"),
    scalar("lpad", |c| edit::pad(c, true)).takes(&[value("str", "STRING or BINARY"), int("len"), text("pad").or("' '")])
        .returns("STRING or BINARY")
        .about("Returns the value filled up on the left, or cut, to `len` characters or bytes.")
        .example("lpad('hi', 5, '?')", "???hi"),
    scalar("rpad", |c| edit::pad(c, false)).takes(&[value("str", "STRING or BINARY"), int("len"), text("pad").or("' '")])
        .returns("STRING or BINARY")
        .about("Returns the value filled up on the right, or cut, to `len` characters or bytes.")
        .example("rpad('hi', 5, '?')", "hi???"),
    scalar("repeat", edit::repeat).takes(&[string("str"), int("n")]).returns("STRING")
        .about("Returns the string written `n` times.")
        .example("repeat('ab', 3)", "ababab"),
    scalar("space", edit::space).takes(&[int("n")]).returns("STRING")
        .about("Returns a string of `n` spaces.")
        .example("concat('[', space(3), ']')", "[   ]"),
    scalar("translate", edit::translate).takes(&[string("input"), text("from"), text("to")]).returns("STRING")
        .about("Replaces each character of `from` by the character of `to` at the same place, or removes it if there is none.")
        .example("translate('AaBbCc', 'abc', '12')", "A1B2C"),
    scalar("replace", edit::replace).takes(&[string("str"), string("search"), string("replace").or("''")]).returns("STRING")
        .about("Replaces all occurrences of `search`.")
        .example("replace('a-b-c', '-', '+')", "a+b+c"),
    scalar("left", edit::left).takes(&[value("str", "STRING or BINARY"), int("len")]).returns("STRING or BINARY")
        .about("Returns the first `len` characters or bytes.")
        .example("left('Rivulet', 3)", "Riv"),
    scalar("right", edit::right).takes(&[string("str"), int("len")]).returns("STRING")
        .about("Returns the last `len` characters.")
        .example("right('Rivulet', 3)", "let"),
    scalar("substring_index", edit::before_nth).takes(&[string("str"), text("delim"), int("count")]).returns("STRING")
        .about("Returns what comes before the `count`th delimiter, or after it counted from the end if `count` is negative.")
        .example("substring_index('www.apache.org', '.', 2)", "www.apache"),
    scalar("split_part", edit::nth_part).takes(&[string("str"), string("delimiter"), int("partNum")]).returns("STRING")
        .about("Returns the part with a number, counted from 1 or from the end if negative; the empty string if there is none.")
        .example("split_part('11.12.13', '.', 3)", "13"),
    scalar("overlay", edit::overlay).takes(&[string("input"), string("replace"), int("pos"), int("len").or("-1")])
        .returns("STRING")
        .about("Replaces `len` characters from `pos` on, as many as the replacement has if `len` is negative.")
        .example("overlay('Spark SQL' PLACING '_' FROM 6)", "Spark_SQL"),
    scalar("elt", edit::elt).takes(&[int("n"), string("input"), string("inputs").repeated()]).returns("STRING")
        .null_if("Null if `n` or the chosen string is null.")
        .about("Returns the `n`th of the strings after it, counted from 1.")
        .example("elt(2, 'scala', 'java')", "java"),
    scalar("mask", edit::mask)
        .takes(&[string("input"), text("upperChar").or("'X'"), text("lowerChar").or("'x'"), text("digitChar").or("'n'"), text("otherChar").or("NULL")])
        .returns("STRING").null_if("Null if `input` is null; a null replacement keeps the characters of its kind.")
        .about("Replaces upper-case letters, lower-case letters, digits and other characters by one character each.")
        .example("mask('AbCD123-@$#')", "XxXXnnn-@$#"),
    scalar("quote", edit::quote).takes(&[string("str")]).returns("STRING")
        .about("Returns the string in single quotes, those inside escaped by a backslash.")
        .example("quote('Don\\'t')", "'Don\\'t'"),
    scalar("sentences", edit::sentences).takes(&[string("str"), text("lang").or("''"), text("country").or("''")])
        .returns("ARRAY<ARRAY<STRING>>")
        .about("Splits a text into sentences and each sentence into words, by the rules of English.")
        .example("sentences('Hi there! Good morning.')", "[[Hi, there], [Good, morning]]"),
    scalar("is_valid_utf8", edit::is_valid_utf8).takes(&[value("str", "STRING or BINARY")]).returns("BOOLEAN")
        .about("Tests whether the bytes are valid UTF-8.")
        .example("is_valid_utf8(x'80')", "false"),
    scalar("validate_utf8", edit::validate_utf8).takes(&[value("str", "STRING or BINARY")]).returns("STRING")
        .about("Returns the bytes as a string; an error if they are not valid UTF-8.")
        .example("validate_utf8('Rivulet')", "Rivulet"),
    scalar("try_validate_utf8", edit::try_validate_utf8).takes(&[value("str", "STRING or BINARY")]).returns("STRING")
        .null_if("Null if the argument is null or not valid.")
        .about("Returns the bytes as a string, null if they are not valid UTF-8.")
        .example("try_validate_utf8(x'80')", "NULL"),
    scalar("make_valid_utf8", edit::make_valid_utf8).takes(&[value("str", "STRING or BINARY")]).returns("STRING")
        .about("Replaces bytes that are not valid UTF-8 by the replacement character.")
        .example("make_valid_utf8(x'4180')", "A�"),
    scalar("collate", edit::collate).takes(&[string("expr"), text("collationName")]).returns("STRING")
        .about("Returns the string; collations other than the binary one are not applied.")
        .example("collate('Rivulet', 'UTF8_BINARY')", "Rivulet"),
    scalar("instr", search::instr).takes(&[string("str"), text("substr"), int("start").or("1"), int("occurrence").or("1")]).returns("INT")
        .about("Returns the position of the first occurrence of `substr`, counted from 1; 0 if there is none.")
        .example("instr('Rivulet', 'u')", "4"),
    scalar("locate", search::locate).aliases(&["position"]).takes(&[text("substr"), string("str"), int("pos").or("1")])
        .returns("INT").null_if("Null if a string is null, 0 if the position is null.")
        .about("Returns the position of the first occurrence of `substr` at or after `pos`, counted from 1; 0 if there is none.")
        .example("locate('l', 'hello', 4)", "4"),
    scalar("charindex", search::charindex).takes(&[text("substr"), string("str"), int("pos").or("1")]).returns("INT").unlisted()
        .null_if("Null if a string is null, 0 if the position is null.")
        .about("Returns the position of the first occurrence of `substr` at or after `pos`, counted from 1; 0 if there is none.")
        .example("charindex('l', 'hello', 4)", "4"),
    scalar("levenshtein", search::levenshtein).takes(&[string("left"), string("right"), int("threshold").optional()])
        .returns("INT")
        .about("Returns the least number of changed, added and removed characters between two strings, -1 if it exceeds the threshold.")
        .example("levenshtein('kitten', 'sitting')", "3"),
    scalar("jaro_winkler_similarity", jaro_winkler::jaro_winkler_similarity).takes(&[string("str1"), string("str2")]).returns("DOUBLE")
        .about("Returns the Jaro-Winkler similarity of two strings, from 0 to 1 for equal ones.")
        .example("jaro_winkler_similarity('MARTHA', 'MARHTA')", "0.9611111111111111"),
    scalar("soundex", search::soundex_code).takes(&[string("str")]).returns("STRING")
        .about("Returns the Soundex code, equal for words that sound alike in English.")
        .example("soundex('Miller')", "M460"),
    scalar("find_in_set", search::find_in_set).takes(&[string("str"), string("list")]).returns("INT")
        .about("Returns the position of a string in a list separated by commas, counted from 1; 0 if it is not there.")
        .example("find_in_set('ab', 'abc,b,ab,c')", "3"),
    scalar("luhn_check", search::luhn_check).takes(&[string("numStr")]).returns("BOOLEAN")
        .about("Tests whether the digits pass the Luhn check, as card numbers do.")
        .example("luhn_check('8112189876')", "true"),
    scalar("rlike", |c| regex::matches(c, "RLIKE")).takes(&[string("str"), text("regexp")]).returns("BOOLEAN")
        .about("Tests whether the regular expression matches somewhere in the string.")
        .example("rlike('Rivulet 12', '[0-9]+')", "true"),
    scalar("regexp", |c| regex::matches(c, "REGEXP")).takes(&[string("str"), text("regexp")]).returns("BOOLEAN")
        .about("Tests whether the regular expression matches somewhere in the string.")
        .example("regexp('Rivulet', '^riv')", "false"),
    scalar("regexp_like", |c| regex::matches(c, "REGEXP_LIKE")).takes(&[string("str"), string("regexp")]).returns("BOOLEAN")
        .about("Tests whether the regular expression matches somewhere in the string.")
        .example("regexp_like('Rivulet', 'v.l')", "true"),
    scalar("regexp_replace", regex::regexp_replace).takes(&[string("str"), text("regexp"), text("rep"), int("position").or("1")])
        .returns("STRING")
        .about("Replaces every match from `position` on; `$1` in the replacement stands for the first group.")
        .example("regexp_replace('100-200', '([0-9]+)', 'num')", "num-num"),
    scalar("regexp_extract", regex::regexp_extract).takes(&[string("str"), text("regexp"), int("idx").or("1")]).returns("STRING")
        .about("Returns a group of the first match, the empty string if there is none; group 0 is the whole match.")
        .example("regexp_extract('100-200', '([0-9]+)-([0-9]+)', 2)", "200"),
    scalar("regexp_extract_all", regex::regexp_extract_all).takes(&[string("str"), string("regexp"), int("idx").or("1")])
        .returns("ARRAY<STRING>")
        .about("Returns a group of every match.")
        .example("regexp_extract_all('100-200, 300-400', '([0-9]+)-([0-9]+)', 1)", "[100, 300]"),
    scalar("regexp_count", regex::regexp_count).takes(&[string("str"), string("regexp")]).returns("INT")
        .about("Returns the number of matches.")
        .example("regexp_count('Steven and Stephen', 'Ste(v|ph)en')", "2"),
    scalar("regexp_instr", regex::regexp_instr).takes(&[string("str"), string("regexp"), int("idx").or("0")]).returns("INT")
        .about("Returns the position of the first match, counted from 1; 0 if there is none.")
        .example("regexp_instr('user@spark.org', '@[^.]*')", "5"),
    scalar("regexp_substr", regex::regexp_substr).takes(&[string("str"), string("regexp")]).returns("STRING")
        .null_if("Null if an argument is null or nothing matches.")
        .about("Returns the first match, null if there is none.")
        .example("regexp_substr('Steven and Stephen', 'Ste(v|ph)en')", "Steven"),
    scalar("split", regex::split_call).takes(&[string("str"), text("regexp"), int("limit").or("-1")]).returns("ARRAY<STRING>")
        .about("Splits a string at each match of a regular expression, into at most `limit` parts if that is positive.")
        .example("split('oneAtwoBthree', '[AB]')", "[one, two, three]"),
    scalar("format_string", format::format_string).aliases(&["printf"]).takes(&[text("format"), any("obj").repeated()])
        .returns("STRING").null_if("Null if the format is null; other nulls are written `null`.")
        .about("Formats values by a pattern of Java's `Formatter`.")
        .example("format_string('%d of %s', 3, 'ten')", "3 of ten"),
    scalar("parse_url", |c| url::parse_url(c, false)).takes(&[string("url"), string("partToExtract"), string("key").optional()])
        .returns("STRING").null_if("Null if an argument is null or the part is missing.")
        .about("Returns a part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO, or a key of the query.")
        .example("parse_url('http://spark.apache.org/path?query=1', 'QUERY', 'query')", "1"),
    scalar("try_parse_url", |c| url::parse_url(c, true))
        .takes(&[string("url"), string("partToExtract"), string("key").optional()]).returns("STRING")
        .null_if("Null if an argument is null, the URL is invalid or the part is missing.")
        .about("Returns a part of a URL as `parse_url` does, null if the URL is invalid.")
        .example("try_parse_url('http://spark.apache.org/path?query=1', 'HOST')", "spark.apache.org"),
    scalar("url_encode", url::url_encode).takes(&[string("str")]).returns("STRING")
        .about("Encodes a string as `application/x-www-form-urlencoded`.")
        .example("url_encode('https://spark.apache.org')", "https%3A%2F%2Fspark.apache.org"),
    scalar("url_decode", |c| url::url_decode(c, false)).takes(&[string("str")]).returns("STRING")
        .about("Decodes a string from `application/x-www-form-urlencoded`.")
        .example("url_decode('https%3A%2F%2Fspark.apache.org')", "https://spark.apache.org"),
    scalar("try_url_decode", |c| url::url_decode(c, true)).takes(&[string("str")]).returns("STRING")
        .null_if("Null if the argument is null or malformed.")
        .about("Decodes a string from `application/x-www-form-urlencoded`, null if it is malformed.")
        .example("try_url_decode('https%3A%2F%2spark')", "NULL"),
    scalar("base64", codec::base64).takes(&[binary("bin")]).returns("STRING")
        .about("Encodes bytes in base 64.")
        .example("base64('Spark SQL')", "U3BhcmsgU1FM"),
    scalar("unbase64", codec::unbase64).takes(&[string("str")]).returns("BINARY")
        .about("Decodes base 64; characters outside its alphabet are skipped.")
        .example("CAST(unbase64('U3BhcmsgU1FM') AS STRING)", "Spark SQL"),
    scalar("to_base32", base32::to_base32).takes(&[binary("bin")]).returns("STRING")
        .about("Encodes bytes in base 32.")
        .example("to_base32('Spark')", "KNYGC4TL"),
    scalar("from_base32", base32::from_base32).takes(&[string("str")]).returns("BINARY")
        .about("Decodes base 32 in either case; characters outside its alphabet are skipped.")
        .example("CAST(from_base32('KNYGC4TL') AS STRING)", "Spark"),
    scalar("hex", codec::hex).takes(&[value("expr", "BIGINT, STRING or BINARY")]).returns("STRING")
        .about("Returns the hexadecimal digits of a number or of bytes.")
        .example("hex('Spark SQL')", "537061726B2053514C"),
    scalar("unhex", codec::unhex).takes(&[string("expr")]).returns("BINARY")
        .null_if("Null if the argument is null or has other characters.")
        .about("Returns the bytes of hexadecimal digits.")
        .example("CAST(unhex('537061726B') AS STRING)", "Spark"),
    scalar("encode", codec::encode_call).takes(&[string("str"), text("charset")]).returns("BINARY")
        .about("Encodes a string in a character set.")
        .example("hex(encode('abc', 'utf-8'))", "616263"),
    scalar("decode", codec::decode_call).takes(&[any("expr"), text("search"), any("result").repeated()])
        .returns("STRING, or the common type of the results")
        .null_if("Null if bytes or character set are null; a null among the cases equals a null.")
        .about("Decodes bytes in a character set; with more arguments returns the result after the first search value that is equal.")
        .example("decode(2, 1, 'one', 2, 'two', 'many')", "two"),
    scalar("to_binary", |c| codec::to_binary(c, false)).takes(&[string("str"), text("fmt").or("'hex'")]).returns("BINARY")
        .about("Decodes a string by a format: hex, utf-8 or base64.")
        .example("CAST(to_binary('537061726B', 'hex') AS STRING)", "Spark"),
    scalar("try_to_binary", |c| codec::to_binary(c, true)).takes(&[string("str"), text("fmt").or("'hex'")]).returns("BINARY")
        .null_if("Null if an argument is null or the string is malformed.")
        .about("Decodes a string by a format as `to_binary` does, null if it is malformed.")
        .example("try_to_binary('a!', 'base64')", "NULL"),
];
