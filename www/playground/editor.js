// The editor: CodeMirror with SQL and JavaScript, completion, and errors in place.
import {
  autocompletion,
  bracketMatching,
  Compartment,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  defaultKeymap,
  drawSelection,
  EditorState,
  EditorView,
  HighlightStyle,
  highlightActiveLine,
  history,
  historyKeymap,
  hoverTooltip,
  indentOnInput,
  javascript,
  keymap,
  lineNumbers,
  lintGutter,
  Prec,
  SQLDialect,
  searchKeymap,
  setDiagnostics,
  sql,
  syntaxHighlighting,
  tags,
} from 'codemirror';

/** Spark's words that the editor colours; its functions come from the engine. */
const KEYWORDS =
  'all and anti any array as asc between both by case cast cross cube current describe desc distinct else end escape except exists explain extended ' +
  'false filter first following for from full function functions group grouping having if ilike in inner intersect interval is join last lateral left like ' +
  'limit map minus natural not null nulls offset on or order outer over partition pivot preceding qualify recursive regexp replace right rlike rollup row rows ' +
  'select semi sets show sort struct table tables tablesample temp temporary then true unbounded union unpivot using values view when where window with within create drop';
const TYPES =
  'bigint binary boolean byte date decimal double float int integer long short smallint string timestamp timestamp_ntz tinyint variant';

/** Spark's dialect of SQL. */
export const spark = SQLDialect.define({
  keywords: KEYWORDS,
  types: TYPES,
  backslashEscapes: true,
  doubleQuotedStrings: true,
  identifierQuotes: '`',
  operatorChars: '*+-%<>!=&|~^/',
});

const style = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null], color: 'var(--code-word)' },
  { tag: [tags.string, tags.regexp], color: 'var(--code-string)' },
  { tag: tags.number, color: 'var(--code-number)' },
  { tag: [tags.typeName, tags.function(tags.variableName), tags.propertyName], color: 'var(--code-name)' },
  { tag: tags.comment, color: 'var(--code-note)', fontStyle: 'italic' },
]);

const look = EditorView.theme({
  '&': { fontSize: '13px', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', minHeight: '190px', maxHeight: '46vh' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--ink-3)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 28%, transparent) !important',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--card)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    overflow: 'hidden',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--ink)' },
  '.cm-completionInfo, .cm-tooltip-hover': { padding: '8px 12px', maxWidth: '44ch', whiteSpace: 'pre-wrap', fontSize: '12px' },
  '.cm-completionDetail': { color: 'var(--ink-3)', fontStyle: 'normal' },
  '.cm-diagnostic': { whiteSpace: 'pre-wrap' },
});

/** An editor whose language can change. */
export class Editor {
  #language = new Compartment();
  #complete;

  /** `complete` returns the sources of completions of a language; `describe` an element about a word, or null. */
  constructor(parent, { onChange, onRun, complete, describe }) {
    this.#complete = complete;
    const keys = Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => onRun() ?? true }]));
    const hover = hoverTooltip(async ({ state }, at) => {
      const word = state.wordAt(at);
      const dom = word && (await describe(state.sliceDoc(word.from, word.to)));
      return dom ? { pos: word.from, end: word.to, create: () => ({ dom }) } : null;
    });
    const changed = EditorView.updateListener.of((update) => update.docChanged && onChange());
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          keys,
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          autocompletion(),
          hover,
          syntaxHighlighting(style),
          look,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'Query', spellcheck: 'false' }),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap]),
          this.#language.of([]),
          changed,
        ],
      }),
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set text(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  /** Sets the language, `sql` or `js`; for SQL with columns by table. */
  setLanguage(language, schema) {
    const support = language === 'sql' ? sql({ dialect: spark, schema, upperCaseKeywords: true }) : javascript();
    const more = this.#complete(language).map((autocomplete) => support.language.data.of({ autocomplete }));
    this.view.dispatch({ effects: this.#language.reconfigure([support, more]) });
  }

  /** Marks a range as wrong; null removes the mark. */
  mark(fault) {
    const diagnostics = fault ? [{ ...fault, severity: 'error' }] : [];
    this.view.dispatch(setDiagnostics(this.view.state, diagnostics));
  }

  focus() {
    this.view.focus();
  }
}
