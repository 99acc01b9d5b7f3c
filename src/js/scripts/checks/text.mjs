// The language of comments, messages and pages: plain English. Finds phrasings that a stranger stumbles over.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { JS, ROOT } from '../paths.mjs';

/** What not to say, and what to say instead. */
const ODD = [
  [/\b(?:is|are|be|was|were|been) told\b|\btells? of\b|\btold\b/i, 'name who learns it, or what happens'],
  [/\bso (?:many|long|often)\b/i, 'name the number: `n`, "this long", "at most"'],
  [/(?<!\bthere )\b(?:is|are|was|were|be) no (?!longer\b|more\b)\w/i, '"is not a"'],
  [
    /\b(?:one|two|four|\d+|rows?|files?|values?|objects?|states?|lists?|maps?|bytes?|times|entry|prefix) an? (?:key|group|batch|second|minute|line|partition|call|class|task|dataset|file|row|string|byte|record)\b/i,
    '"per"',
  ],
  [/\b(?:gives|gave)\b(?! up)/i, '"returns", "calls", "passes"'],
  [/\bbehind\b/i, '"after", "for"'],
  [/\bsaid\b/i, '"set", "logged"'],
  [/\btexts\b/i, '"strings"'],
  [/\b(?:has|have|had) not\b(?! (?:been|yet|set)\b)/i, '"does not have"'],
  [/\b(?:go|goes|going|went) on\b/i, '"continues", "keeps running"'],
  [/\bnone where\b|\bwhere nothing else\b|\bwhere (?:it|there) (?:is|was) none\b/i, '"by default", "or null"'],
  [/\bmust (?:be|begin) [^.]*, and not\b/i, '"must be x, got y"'],
  [/\bof which\b/i, 'two sentences'],
  [/\bof the user's(?=[:,.;]| by| that)/i, '"the user\'s …"'],
  [/\bfor what is none\b|\bwithout rows is none\b/i, 'name it'],
  [/\b(?:is|are) held up\b/i, '"held back"'],
];

/** Comments and strings of a source, with their lines. */
function* wordsOf(source) {
  const pieces = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g;
  for (const { 0: piece, index } of source.matchAll(pieces)) {
    // Code in examples is not prose.
    const prose = piece.startsWith('/*') ? piece.replace(/```[\s\S]*?```/g, (code) => code.replace(/[^\n]/g, ' ')) : piece;
    const first = source.slice(0, index).split('\n').length;
    yield* prose.split('\n').map((line, i) => [first + i, line]);
  }
}

function* linesOf(file, text) {
  if (/\.(ts|mjs|js)$/.test(file)) yield* wordsOf(text);
  else yield* text.split('\n').map((line, i) => [i + 1, line]);
}

function filesBelow(folder, pattern) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}

/** Phrasings that are odd, as `file:line: …`. */
export function oddPhrasings() {
  const files = [
    ...filesBelow(join(JS, 'src'), /^(?!generated|sql\/functions).*\.ts$/),
    ...filesBelow(join(JS, 'scripts'), /^(?!checks\/text).*\.mjs$/),
    ...filesBelow(join(ROOT, 'www'), /\.(js|html|md)$/),
    join(JS, 'README.md'),
  ];
  return files.flatMap((file) =>
    [...linesOf(file, readFileSync(file, 'utf8'))].flatMap(([line, words]) =>
      ODD.filter(([pattern]) => pattern.test(words)).map(
        ([pattern, better]) => `${relative(ROOT, file)}:${line}: "${pattern.exec(words)[0]}" in "${words.trim()}": say ${better}`,
      ),
    ),
  );
}
