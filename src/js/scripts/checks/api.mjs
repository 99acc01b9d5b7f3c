// The public interface as the emitted declarations have it: every exported name and member, with its doc comment.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Declarations at the start of a line. */
const DECLARATION =
  /^(?:export )?(?:declare )?(?:abstract )?(class|interface|type|const|function|let) (\w+)(?:<.*?>)?(?:.*? extends ([\w., ]+?)(?:<| \{| implements|$))?/;
const MEMBER = /^ {4}(?:(?:static|readonly|abstract|get|set|protected|private|async|declare) )*(\[Symbol\.\w+\]|"?[\w$]+"?)(\?)?([<(:;])/;

/**
 * Returns the public names of the declarations below `folder`, which begin at `index.d.ts`: `{ name, kind, file, line, doc }`.
 * Members are `Class.member`, of `kind` method, property or constructor; overloads after the first are left out.
 */
export function publicNames(folder) {
  const files = new Map();
  const load = (file) => {
    if (!files.has(file)) files.set(file, declarations(readFileSync(file, 'utf8')));
    return files.get(file);
  };
  const found = new Map();
  const take = (file, name, as) => {
    const { own, imports } = load(file);
    const declared = own.filter((one) => one.name === name);
    if (declared.length === 0) {
      const from = imports.get(name);
      if (from) take(join(dirname(file), from.from), from.name, as);
      return;
    }
    for (const one of declared) {
      const key = `${file}#${name}#${one.line}`;
      if (found.has(key)) continue;
      found.set(key, [
        { ...one, name: as, file: relative(folder, file) },
        ...one.members.map((member) => ({ ...member, name: `${as}.${member.name}`, file: relative(folder, file) })),
      ]);
      for (const base of one.bases) take(file, base, base);
    }
  };
  const entry = (file, prefix) => {
    for (const { names, from, all, as } of load(file).exports) {
      const target = join(dirname(file), from);
      if (as) entry(target, `${prefix}${as}.`);
      else if (all) {
        for (const { name, exported } of load(target).own) if (exported) take(target, name, prefix + name);
        entry(target, prefix);
      } else for (const [name, shown] of names) take(target, name, prefix + shown);
    }
  };
  entry(join(folder, 'index.d.ts'), '');
  return [...found.values()].flat();
}

/** Folders that are generated, with comments of their generator's. */
const GENERATED = /^sql\/functions\//;

/**
 * What is wrong with the doc comments of the public names: one is missing, or that of a function does not begin with a verb in the third
 * person. Members of constants and type aliases are left out.
 */
export function publicFaults(folder) {
  const all = publicNames(folder).filter(({ file }) => !GENERATED.test(file));
  const loose = new Set(all.filter(({ kind }) => kind === 'type' || kind === 'const').map(({ name }) => name));
  return all.flatMap(({ name, kind, file, doc }) => {
    if (loose.has(name.slice(0, name.lastIndexOf('.')))) return [];
    const words = doc.replace(/^\/\*\*\s*|\s*\*\/$|^\s*\* ?/gm, '').trim();
    if (words === '') return [`${file}: ${name} is public and has no doc comment`];
    if (!['method', 'function', 'constructor'].includes(kind) || /^[A-Z][a-z]+s\b/.test(words)) return [];
    return [`${file}: the doc comment of ${name} does not begin with a verb in the third person: "${words.slice(0, 60)}"`];
  });
}

const declarationFile = (from) => from.replace(/\.js$/, '.d.ts');

/** What a file declares, imports and exports. */
function declarations(text) {
  const [own, imports, exports] = [[], new Map(), []];
  for (const [, clause, from] of text.matchAll(/^import (?:type )?\{([^}]*)\} from '([^']+)';/gm)) {
    for (const [name, as] of namesOf(clause)) imports.set(as, { name, from: declarationFile(from) });
  }
  for (const [, all, as, clause, from] of text.matchAll(/^export (?:type )?(?:(\*)(?: as (\w+))?|\{([^}]*)\}) from '([^']+)';/gm)) {
    exports.push({ all: Boolean(all), as, names: clause ? namesOf(clause) : [], from: declarationFile(from) });
  }
  let doc = '';
  let current;
  let inComment = false;
  text.split('\n').forEach((whole, at) => {
    // A parameter property has its comment on its own line.
    const inline = inComment ? null : /^(\s*)(\/\*\*(?:(?!\*\/).)*\*\/) (?=\S)(.*)$/.exec(whole);
    if (inline) doc = inline[2];
    const line = inline ? inline[1] + inline[3] : whole;
    const trimmed = line.trim();
    if (inComment || trimmed.startsWith('/**')) {
      doc = inComment ? `${doc}\n${trimmed}` : trimmed;
      inComment = !trimmed.endsWith('*/');
      return;
    }
    const declared = DECLARATION.exec(line);
    if (declared) {
      const [, kind, name, bases] = declared;
      current = {
        name,
        kind,
        line: at + 1,
        doc,
        bases: (bases ?? '')
          .split(',')
          .map((b) => b.trim())
          .filter((b) => /^\w+$/.test(b)),
        members: [],
        exported: line.startsWith('export'),
      };
      own.push(current);
    } else if (current && MEMBER.test(line) && !/^ {4}(private|protected)\b/.test(line)) {
      const [, name, , after] = MEMBER.exec(line);
      const kind =
        name === 'constructor'
          ? 'constructor'
          : after === '(' || after === '<'
            ? /^ {4}(?:static )?(?:get|set) /.test(line)
              ? 'property'
              : 'method'
            : 'property';
      if (!current.members.some((member) => member.name === name)) current.members.push({ name, kind, line: at + 1, doc, text: trimmed });
    } else if (line.startsWith('}')) current = undefined;
    doc = '';
  });
  return { own, imports, exports };
}

function namesOf(clause) {
  return clause
    .split(',')
    .map((part) => part.trim().replace(/^type /, ''))
    .filter(Boolean)
    .map((part) => {
      const [name, as] = part.split(' as ');
      return [name, as ?? name];
    });
}
