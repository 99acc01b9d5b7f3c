// What the package's declarations say, as one JSON file: modules, their names, signatures and doc comments, in Markdown.
//   node extract.mjs --types FOLDER --out FILE
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Application, ReflectionKind } from 'typedoc';

const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const types = resolve(option('--types'));

/** Entries of the package: the name under which they are imported, and the file of their declarations. */
const MODULES = {
  rivulet: 'index',
  'rivulet/ml': 'ml',
  'rivulet/graph': 'graph',
  'rivulet/dstream': 'dstream',
  'rivulet/sources': 'sources',
  'rivulet/flume': 'flume',
  'rivulet/react': 'react',
  'rivulet/node': 'node',
};
const KINDS = new Map([
  [ReflectionKind.Class, 'class'],
  [ReflectionKind.Interface, 'interface'],
  [ReflectionKind.Function, 'function'],
  [ReflectionKind.TypeAlias, 'type'],
  [ReflectionKind.Variable, 'value'],
  [ReflectionKind.Namespace, 'namespace'],
]);

const said = (parts = []) => parts.map((part) => (part.kind === 'inline-tag' ? `\`${part.text}\`` : part.text)).join('');

/** A doc comment: its sentences, then what its tags say. */
function about(comment) {
  if (!comment) return '';
  const tags = comment.blockTags.map(({ tag, content }) => {
    const words = said(content).trim();
    return tag === '@example' ? words : `**${tag.slice(1)}** ${words}`;
  });
  return [said(comment.summary), ...tags].join('\n\n').trim();
}

/** A function as one writes its type: `name<T>(a: A, b?: B): R`. */
function callText({ name, typeParameters, parameters, type }, shown = name) {
  const generic = (parameter) => `${parameter.name}${parameter.type ? ` extends ${parameter.type}` : ''}`;
  const generics = typeParameters?.length ? `<${typeParameters.map(generic).join(', ')}>` : '';
  const one = (parameter) => {
    const { flags } = parameter;
    const isLeftOut = flags.isOptional || parameter.defaultValue !== undefined;
    return `${flags.isRest ? '...' : ''}${parameter.name}${isLeftOut ? '?' : ''}: ${parameter.type}`;
  };
  return `${shown}${generics}(${(parameters ?? []).map(one).join(', ')}): ${type}`;
}

const isPublic = ({ flags, name }) => !flags.isPrivate && !flags.isProtected && !name.startsWith('_') && !name.startsWith('[');

/** Members of a class, an interface or a namespace; `from` names the class that a member is inherited from. */
function members(reflection) {
  return (reflection.children ?? []).filter(isPublic).map((member) => {
    const { name, flags, signatures, getSignature, type } = member;
    const isNew = member.kindOf(ReflectionKind.Constructor);
    const calls = isNew
      ? signatures.map((call) => callText({ ...call, type: reflection.name, name }, `new ${reflection.name}`))
      : undefined;
    const value = getSignature?.type ?? type;
    return {
      name: isNew ? 'constructor' : name,
      static: flags.isStatic || undefined,
      text: calls ?? signatures?.map((call) => callText(call)) ?? [`${name}${flags.isOptional ? '?' : ''}: ${value}`],
      about: about(signatures?.find(({ comment }) => comment)?.comment ?? getSignature?.comment ?? member.comment),
      from: member.inheritedFrom?.name.split('.')[0],
    };
  });
}

function declaration(reflection) {
  const { name, signatures, extendedTypes, type } = reflection;
  const kind = KINDS.get(reflection.kind);
  const text =
    signatures?.map((call) => callText(call)) ??
    (kind === 'type' ? [`type ${name} = ${type}`] : kind === 'value' ? [`const ${name}: ${type}`] : undefined);
  return {
    name,
    kind,
    text,
    about: about(signatures?.find(({ comment }) => comment)?.comment ?? reflection.comment),
    extends: extendedTypes?.map(String),
    members: ['class', 'interface', 'namespace'].includes(kind) ? members(reflection) : undefined,
  };
}

const settings = mkdtempSync(join(tmpdir(), 'rivulet-reference-'));
try {
  const tsconfig = join(settings, 'tsconfig.json');
  const entryPoints = Object.values(MODULES).map((file) => join(types, `${file}.d.ts`));
  const compilerOptions = {
    target: 'ES2023',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    types: [],
  };
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: entryPoints }));
  const app = await Application.bootstrap({
    tsconfig,
    entryPoints,
    basePath: types,
    // React's types are the application's own.
    skipErrorChecking: true,
    excludePrivate: true,
    excludeInternal: true,
    disableSources: true,
    readme: 'none',
    logLevel: 'Error',
  });
  const project = await app.convert();
  if (!project) throw new Error(`typedoc reads nothing from ${types}`);
  const modules = Object.entries(MODULES).map(([name, file]) => {
    const module = project.children.find((child) => child.name === file);
    if (!module) throw new Error(`typedoc finds no ${file} in ${types}`);
    // What another entry has already is named there.
    const own = module.children.filter((child) => KINDS.has(child.kind) && isPublic(child));
    return { name, about: about(module.comment), declarations: own.map(declaration) };
  });
  writeFileSync(option('--out'), JSON.stringify(modules));
} finally {
  rmSync(settings, { recursive: true, force: true });
}
