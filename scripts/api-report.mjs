// Writes lib/api/*.api.md: the public API as its declarations say it, without their comments, so that a change of it is seen and
// meant. With --check only compares, and fails where they differ, or where a declaration needs a type that no entry exports.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { declarations, entries } from "./build-types.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../lib/api");
const printer = ts.createPrinter({ removeComments: true });
/** Kubernetes' own kinds, whose fields are its release's. */
const models = readFileSync(join(folder, "../../client/models.ts"), "utf8");
const modelNames = new Set(
  [...models.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name),
);
const isModel = (name) => modelNames.has(name.replace(/\$\d+$/, ""));

const { files, complaints } = await declarations();
const modules = new Map([...files].map(([name, text]) => [name, readModule(name, text)]));
const reports = entries.map((name) => ({ name, text: reportOf(name) }));
const isCheck = process.argv.includes("--check");
const changed = reports.filter(({ name, text }) => text !== written(name));
for (const complaint of complaints) console.error(`api: ${complaint}`);
if (isCheck && changed.length > 0) {
  for (const { name, text } of changed) sayDifference(name, text);
  console.error(`api: changed: ${changed.map(({ name }) => name).join(", ")}`);
  console.error("api: the public API differs from lib/api/; where that is meant, run `npm run api`");
}
if (isCheck && changed.length + complaints.length > 0) process.exit(1);
if (!isCheck) mkdirSync(folder, { recursive: true });
for (const { name, text } of isCheck ? [] : changed) writeFileSync(pathOf(name), text);
console.log(`api: ${reports.length} reports ${isCheck ? "are what the sources say" : "written"}`);

function pathOf(name) {
  return join(folder, `${name}.api.md`);
}

function written(name) {
  try {
    return readFileSync(pathOf(name), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return "";
    throw error;
  }
}

/** The lines that one has and the other has not. */
function sayDifference(name, text) {
  const [before, after] = [written(name), text].map((one) => new Set(one.split("\n")));
  for (const line of before) if (!after.has(line)) console.error(`api: ${name}: - ${line}`);
  for (const line of after) if (!before.has(line)) console.error(`api: ${name}: + ${line}`);
}

/** What a file declares, takes from others and exports, each by the name it has there. */
function readModule(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const module = { source, declared: new Map(), imported: new Map(), exported: new Map() };
  for (const statement of source.statements) {
    const from = statement.moduleSpecifier?.text.replace(/^\.\/(.*)\.js$/, "$1.d.ts");
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
      for (const { name, propertyName } of bindings.elements)
        module.imported.set(name.text, { file: from, name: (propertyName ?? name).text });
    } else if (ts.isExportDeclaration(statement)) {
      for (const { name, propertyName } of statement.exportClause?.elements ?? [])
        module.exported.set(name.text, { file: from ?? file, name: (propertyName ?? name).text });
    } else
      for (const name of namesOf(statement))
        module.declared.set(name, [...(module.declared.get(name) ?? []), statement]);
  }
  return module;
}

function namesOf(statement) {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.text);
  return statement.name === undefined ? [] : [statement.name.text];
}

/** Where a name that a file uses or exports is declared; undefined for what is Node's or the language's. */
function find(file, name, isExport) {
  const module = modules.get(file);
  if (module === undefined) return undefined;
  const exported = isExport ? module.exported.get(name) : undefined;
  if (exported !== undefined) return find(exported.file, exported.name, exported.file !== file);
  if (module.declared.has(name)) return { file, name, statements: module.declared.get(name) };
  const imported = module.imported.get(name);
  return imported && find(imported.file, imported.name, true);
}

function reportOf(entry) {
  const shown = new Map();
  const exported = [...modules.get(`${entry}.d.ts`).exported.keys()].filter((name) => !isModel(name)).sort();
  for (const name of exported) {
    const found = find(`${entry}.d.ts`, name, true);
    if (found === undefined) throw new Error(`${entry}: nothing declares ${name}`);
    shown.set(found.statements[0], { ...found, as: name });
  }
  const reached = new Map();
  for (const { file, statements } of shown.values()) reach(file, statements, shown, reached);
  const inner = [...reached.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const path = entry === "index" ? "pintle" : `pintle/${entry}`;
  return `${[
    `# The API of \`${path}\``,
    "Made by `npm run api` of the declarations that users get; `npm run check` fails where it does not fit them.",
    fenced([...shown.values()]),
    ...(inner.length > 0 ? ["Not exported, but part of the above:", fenced(inner)] : []),
  ].join("\n\n")}\n`;
}

/** Adds what the statements refer to, and what that refers to. */
function reach(file, statements, shown, reached) {
  const visit = (node) => {
    if (ts.isIdentifier(node) && !isModel(node.text)) {
      const found = find(file, node.text, false);
      if (found !== undefined && !shown.has(found.statements[0]) && !reached.has(found.statements[0])) {
        reached.set(found.statements[0], found);
        reach(found.file, found.statements, shown, reached);
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const statement of statements) visit(statement);
}

function fenced(shown) {
  const texts = shown.flatMap(({ file, name, as, statements }) => {
    const text = statements.map((statement) =>
      printer.printNode(ts.EmitHint.Unspecified, statement, modules.get(file).source),
    );
    return as === undefined || as === name ? text : [`// as ${as}`, ...text];
  });
  return `\`\`\`ts\n${texts.join("\n\n")}\n\`\`\``;
}
