import type { Column, ColumnOrName as C } from '../column.js';
import { fromTable } from './table.js';

/** Functions of text and bytes. Positions count from 1. */
export interface TextFunctions {
  /** In lower case. */
  lower(column: C): Column;
  /** In upper case. */
  upper(column: C): Column;
  /** First letter of each word in upper case. */
  initcap(column: C): Column;
  /** Number of characters, or of bytes. */
  length(column: C): Column;
  /** Number of characters. */
  charLength(column: C): Column;
  /** Number of bytes. */
  octetLength(column: C): Column;
  /** Without spaces (or these characters) at both ends. */
  trim(column: C, characters?: C): Column;
  /** Without spaces at the start. */
  ltrim(column: C): Column;
  /** Without spaces at the end. */
  rtrim(column: C): Column;
  /** Filled up on the left to a length. */
  lpad(column: C, length: number, pad: string): Column;
  /** Filled up on the right to a length. */
  rpad(column: C, length: number, pad: string): Column;
  /** Written n times. */
  repeat(column: C, n: number | Column): Column;
  /** Backwards; also of arrays. */
  reverse(column: C): Column;
  /** One after the other; also of arrays. */
  concat(...columns: C[]): Column;
  /** Joined by a separator, nulls left out. */
  concatWs(separator: string, ...columns: C[]): Column;
  /** Cut at each match of a regular expression; `limit` > 0 bounds the number of parts. */
  split(column: C, pattern: string | Column, limit?: number): Column;
  /** The nth part between delimiters. */
  splitPart(column: C, delimiter: C, n: C | number): Column;
  /** Part from `position`, `length` long. */
  substring(column: C, position: number, length: number): Column;
  /** What comes before the `count`th delimiter. */
  substringIndex(column: C, delimiter: string, count: number): Column;
  /** The first `length` characters. */
  left(column: C, length: C | number): Column;
  /** The last `length` characters. */
  right(column: C, length: C | number): Column;
  /** Position of the first occurrence; 0 for none. */
  instr(column: C, substring: string): Column;
  /** Position of the first occurrence at or after `position`; 0 for none. */
  locate(substring: string, column: C, position?: number): Column;
  /** Has inside. */
  contains(left: C, right: C): Column;
  /** Begins with. */
  startswith(column: C, prefix: C): Column;
  /** Ends with. */
  endswith(column: C, suffix: C): Column;
  /** All occurrences of a text replaced. */
  replace(column: C, search: C, replacement?: C): Column;
  /** Characters of `matching` replaced by those of `replacement` at the same place. */
  translate(column: C, matching: string, replacement: string): Column;
  /** Group `group` of the first match; empty for none. */
  regexpExtract(column: C, pattern: string, group: number): Column;
  /** Group of all matches, as an array. */
  regexpExtractAll(column: C, pattern: C, group?: number): Column;
  /** All matches replaced. */
  regexpReplace(column: C, pattern: string | Column, replacement: string | Column): Column;
  /** True if the pattern matches somewhere. */
  regexpLike(column: C, pattern: C): Column;
  /** Number of matches. */
  regexpCount(column: C, pattern: C): Column;
  /** Edit distance. */
  levenshtein(left: C, right: C): Column;
  /** Sounds-like code. */
  soundex(column: C): Column;
  /** Code of the first character. */
  ascii(column: C): Column;
  /** Character of a code. */
  char(column: C): Column;
  /** Bytes as base 64. */
  base64(column: C): Column;
  /** Bytes from base 64. */
  unbase64(column: C): Column;
  /** Bytes of the text in a character set. */
  encode(column: C, charset: string): Column;
  /** Text of bytes in a character set. */
  decode(column: C, charset: string): Column;
  /** Number with thousands separators and `digits` decimals. */
  formatNumber(column: C, digits: number): Column;
  /** printf. */
  formatString(format: string, ...columns: C[]): Column;
  /** MD5 as hexadecimal text. */
  md5(column: C): Column;
  /** SHA-1 as hexadecimal text. */
  sha1(column: C): Column;
  /** SHA-2 of 224, 256, 384 or 512 bits as hexadecimal text. */
  sha2(column: C, bits: number): Column;
  /** CRC-32. */
  crc32(column: C): Column;
  /** Spark's Murmur3 hash of the columns. */
  hash(...columns: C[]): Column;
  /** 64-bit xxHash of the columns. */
  xxhash64(...columns: C[]): Column;
  /** A random UUID. */
  uuid(): Column;
}

export const textFunctions: TextFunctions = {
  ...fromTable<TextFunctions>(`
    lower upper initcap length charLength octetLength trim ltrim rtrim lpad:cl rpad:cl repeat reverse concat concatWs:lc split:cl splitPart
    substring substringIndex:cl left right instr:cl locate:lcl contains startswith endswith replace translate:cl regexpExtract:cl
    regexpExtractAll regexpReplace:cl regexpLike regexpCount levenshtein soundex ascii char base64 unbase64 encode:cl decode:cl formatNumber
    formatString:lc md5 sha1 sha2 crc32 hash xxhash64 uuid`),
};
const { split, locate } = textFunctions;
Object.assign(textFunctions, {
  split: (column: C, pattern: string | Column, limit = -1) => split(column, pattern, limit),
  locate: (substring: string, column: C, position = 1) => locate(substring, column, position),
});
