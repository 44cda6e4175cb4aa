// fields: holds bulkhead's tables of requests (build/.../llm_tables) against
// what the providers' own client libraries declare that a request may have.
//
//	node fields.js TABLES.json
//
// Walks both together: each member of each object that a library knows has to
// be in the table of its place, each form of an object has to be a case of it.
// Writes how many of what were met, and {"missing": [...]} what is in no table.
import fs from 'node:fs';
import ts from 'typescript';

const ROOTS = [
  ['/v1/messages', '@anthropic-ai/sdk/resources/messages',
    'MessageCreateParamsNonStreaming'],
  ['/v1/messages', '@anthropic-ai/sdk/resources/beta/messages',
    'MessageCreateParamsNonStreaming'],
  ['/v1/messages/count_tokens', '@anthropic-ai/sdk/resources/messages',
    'MessageCountTokensParams'],
  ['/v1/messages/count_tokens', '@anthropic-ai/sdk/resources/beta/messages',
    'MessageCountTokensParams'],
  ['/v1/chat/completions', 'openai/resources/chat/completions',
    'ChatCompletionCreateParamsNonStreaming'],
  ['/v1/responses', 'openai/resources/responses/responses',
    'ResponseCreateParamsNonStreaming'],
];

const met = {objects: 0, kept: 0, refused: 0, dropped: 0};
const missing = new Set();
let checker, source;

// The parts of a type: string literals, objects, what lists hold.
function parts(type) {
  const found = {words: [], objects: [], lists: [], open: false};
  for (const t of type.isUnion() ? type.types : [type]) {
    if (t.isUnion()) {
      const inner = parts(t);
      for (const k of ['words', 'objects', 'lists'])
        found[k].push(...inner[k]);
      found.open ||= inner.open;
    } else if (t.isStringLiteral()) {
      found.words.push(t.value);
    } else if (checker.isArrayType(t)) {
      found.lists.push(checker.getTypeArguments(t)[0]);
    } else if (t.flags & ts.TypeFlags.Object) {
      found.objects.push(t);
    } else if (t.flags & ts.TypeFlags.String) {
      found.open = true;
    }
  }
  return found;
}

function typeOf(property) {
  return checker.getTypeOfSymbolAtLocation(property, source);
}

// An object of a library's against the fields of a table.
function fields(type, table, path, skip, seen) {
  for (const property of checker.getPropertiesOfType(type)) {
    const name = property.name;
    const at = path ? `${path}.${name}` : name;
    const row = table.fields[name];
    if (name === skip)
      continue;
    if (!row) {
      missing.add(at);
    } else if (row.rule === 'drop' || row.rule === 'refuse' ||
               row.rule === 'false') {
      met[row.rule === 'drop' ? 'dropped' : 'refused']++;
    } else {
      met.kept++;
      if (row.value)
        value(typeOf(property), row.value, at, seen);
    }
  }
}

function value(type, shape, path, seen) {
  const found = parts(type);
  const nested = found.lists.flatMap((t) => parts(t).objects)
    .filter((o) => checker.getPropertiesOfType(o).length);
  if (shape.kinds.includes('json'))
    return;
  for (const o of found.objects)
    if (checker.getPropertiesOfType(o).length === 0)
      continue;
    else if (shape.object)
      object(o, shape.object, path, seen);
    else
      missing.add(`${path}: an object`);
  for (const o of nested)
    if (shape.each?.kinds.includes('json'))
      continue;
    else if (shape.each?.object)
      object(o, shape.each.object, `${path}[]`, seen);
    else
      missing.add(`${path}[]: an object`);
}

// Each pair of a type and a table once.
function object(type, table, path, seen) {
  const tables = seen.get(type) ?? new Set();
  if (tables.has(table))
    return;
  tables.add(table);
  seen.set(type, tables);
  met.objects++;
  if (!table.by) {
    fields(type, table, path, null, seen);
    return;
  }
  const by = type.getProperty(table.by);
  const words = by ? parts(typeOf(by)).words : [];
  if (!words.length && table.otherwise)
    words.push(table.otherwise);
  if (!words.length)
    missing.add(`${path}: its ${table.by} is no word`);
  for (const word of words) {
    const form = table.cases[word];
    const at = `${path}(${word})`;
    if (form === undefined) {
      missing.add(at);
    } else if (form === null) {
      met.refused++;
    } else {
      fields(type, form, at, table.by, seen);
    }
  }
}

function declared() {
  const text = ROOTS.map(([, module, name], i) =>
    `import type {${name} as T${i}} from '${module}';\n` +
    `export declare const v${i}: T${i};\n`).join('');
  fs.writeFileSync('roots.ts', text);
  const program = ts.createProgram(['roots.ts'], {
    strict: true, skipLibCheck: true, types: [],
    module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  });
  checker = program.getTypeChecker();
  source = program.getSourceFile('roots.ts');
  return source.statements.filter(ts.isVariableStatement)
    .map((s) => checker.getTypeAtLocation(s.declarationList.declarations[0]));
}

const tables = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
declared().forEach((type, i) => {
  const table = tables[ROOTS[i][0]];
  if (!checker.getPropertiesOfType(type).length)
    missing.add(`${ROOTS[i][0]}: ${ROOTS[i][2]} is no type any more`);
  fields(type, table, ROOTS[i][0], null, new Map());
});
console.log(JSON.stringify({...met, missing: [...missing].sort()}));
