// Writes what the API server knows of its kinds' fields: names, types and documentation out of the installed
// @kubernetes/client-node models, protobuf numbers, merge keys, values and the texts that the models lack out of our own
// tables.
// Three files, so that the long one (documentation) and the forms of messages are only read when someone asks:
// <out>/schema.json.gz, <out>/schema-docs.json.gz and <out>/go-forms.json.gz.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tables = join(root, "controlplane/apiserver/schema");
const models = join(root, "node_modules/@kubernetes/client-node/dist/gen/models");

/** Protobuf package -> API group, where the two differ. */
const groups = {
  core: "",
  admissionregistration: "admissionregistration.k8s.io",
  apiextensions: "apiextensions.k8s.io",
  apiregistration: "apiregistration.k8s.io",
  authentication: "authentication.k8s.io",
  authorization: "authorization.k8s.io",
  certificates: "certificates.k8s.io",
  coordination: "coordination.k8s.io",
  discovery: "discovery.k8s.io",
  events: "events.k8s.io",
  flowcontrol: "flowcontrol.apiserver.k8s.io",
  metrics: "metrics.k8s.io",
  networking: "networking.k8s.io",
  node: "node.k8s.io",
  rbac: "rbac.authorization.k8s.io",
  resource: "resource.k8s.io",
  scheduling: "scheduling.k8s.io",
  storage: "storage.k8s.io",
};

/** Models of which two groups have one of the same name carry the group before it. */
const groupPrefix =
  /^(Admissionregistration|Apiextensions|Apiregistration|Authentication|Core|Discovery|Events|Flowcontrol|Rbac|Resource|Storage)?V\d+(?:(?:alpha|beta)\d+)?/;

/** Reads the tables and the models and writes the files into the folder `out`. */
export async function buildSchema({ out }) {
  const messages = readNumbers();
  const merging = readMergeKeys();
  const texts = readFieldTexts();
  const values = readFieldValues();
  const breaks = readLineBreaks();
  const goTypes = readGoTypes();
  const types = {};
  const docs = readParameterTexts();
  for (const [name, message] of messages) {
    const described = message.isUnmodelled ? describeUnmodelled(message) : readModel(name);
    const own = merging.get(name) ?? {};
    const fields = {};
    for (const row of described.fields) {
      fields[row.name] = {
        ...row.type,
        ...message.numbers.get(row.name),
        ...merging.get(`${name}.${row.name}`),
        ...values.get(`${name}.${row.name}`),
        ...goTypes.get(`${name}.${row.name}`),
      };
      if (row.required) fields[row.name].r = 1;
      const own = texts.get(`${name}.${row.name}`) ?? texts.get(`*.${row.name}:${fields[row.name].t}`);
      if (own?.always) fields[row.name].d = 1;
      if (own !== undefined) described.docs[row.name] = own.text;
    }
    const ordered = inOrderOf(message.numbers, fields);
    types[name] = { p: message.package, k: message.kind, fields: ordered, ...own, ...values.get(name) };
    described.docs[""] ??= texts.get(name)?.text ?? "";
    for (const field of Object.keys(described.docs)) {
      const at = field === "" ? name : `${name}.${field}`;
      described.docs[field] = broken(described.docs[field], breaks.get(at) ?? [], at);
    }
    docs[name] = described.docs;
  }
  mkdirSync(out, { recursive: true });
  // Names this content: clients keep what they fetched under it.
  const hash = createHash("sha256")
    .update(JSON.stringify([types, docs]))
    .digest("hex")
    .toUpperCase();
  writeFileSync(
    join(out, "schema.json.gz"),
    gzipSync(JSON.stringify({ hash, types, kinds: kindsOf(types) })),
  );
  writeFileSync(join(out, "schema-docs.json.gz"), gzipSync(JSON.stringify(docs)));
  writeFileSync(join(out, "go-forms.json.gz"), gzipSync(JSON.stringify(readGoForms())));
}

/** Go type -> its fields, from go-forms.txt. */
function readGoForms() {
  const out = {};
  for (const line of tableLines("go-forms.txt")) {
    const [name, ...fields] = line.split(" ");
    out[name] = fields.map((text) => {
      const embedded = /^\+(?:(\w+):)?(\S+)$/.exec(text);
      if (embedded !== null) return { name: "", field: embedded[1], type: embedded[2], isEmbedded: true };
      const [, field, own, omitted, type] = /^(\w+)(?::(\w+))?(\?)?=(\S+)$/.exec(text);
      return { name: field, field: own ?? field, type, isOmitted: omitted !== undefined };
    });
  }
  return out;
}

/** Message -> its package and field numbers, from field-numbers.txt. */
function readNumbers() {
  const messages = new Map();
  let section = "";
  for (const line of tableLines("field-numbers.txt")) {
    if (line.startsWith("[")) {
      section = line.slice(1, -1);
      continue;
    }
    const [marked, ...pairs] = line.split(" ");
    const name = marked.replace(/!$/, "");
    const numbers = new Map();
    for (const pair of pairs) {
      const [field, path] = pair.split("=");
      const [, n, marks, type, many] = /^([0-9.]+)([q*+^~!-]*)(?::(\w+)(\[\]|\{\})?)?$/.exec(path);
      numbers.set(field, {
        n,
        ...(marks.includes("q") && { t: "quantity" }),
        ...(marks.includes("*") && { z: 1 }),
        ...(marks.includes("+") && { w: 1 }),
        ...(marks.includes("^") && { j: "zero" }),
        ...(marks.includes("~") && { j: "null" }),
        ...(marks.includes("-") && { j: "none" }),
        ...(marks.includes("!") && { r: 1 }),
        ...(type !== undefined && { t: type }),
        ...(many !== undefined && { c: many === "[]" ? "list" : "map" }),
      });
    }
    messages.set(name, {
      package: section,
      kind: name.replace(groupPrefix, ""),
      numbers,
      isUnmodelled: marked !== name,
    });
  }
  return messages;
}

/** What stands alone begins with its type; after it the fields as the table has them, which is Go's order. */
function inOrderOf(numbers, fields) {
  const names = [...Object.keys(fields).filter((name) => !numbers.has(name)), ...numbers.keys()];
  return Object.fromEntries(names.filter((name) => fields[name]).map((name) => [name, fields[name]]));
}

/** Message.field -> what Go calls it, from go-types.txt. */
function readGoTypes() {
  const out = new Map();
  for (const line of tableLines("go-types.txt")) {
    const [message, ...pairs] = line.split(" ");
    for (const pair of pairs) {
      const [, field, path, type] = /^([^=]+)=(?:([\w.]+)\/)?(.*)$/.exec(pair);
      out.set(`${message}.${field}`, { ...(type && { g: type }), ...(path && { in: path }) });
    }
  }
  return out;
}

/** Message or Message.field -> how it merges, from merge-keys.txt. */
function readMergeKeys() {
  const out = new Map();
  for (const line of tableLines("merge-keys.txt")) {
    const [name, ...words] = line.split(" ");
    const row = {};
    for (const word of words) {
      const [what, value] = word.split("=");
      if (what === "merge") row.merge = value ?? "";
      else if (what === "map") row.keys = value.split(",");
      else row[what] = 1;
    }
    out.set(name, row);
  }
  return out;
}

/** Message, Message.field or *.field:Type -> what it means, from field-texts.txt. */
function readFieldTexts() {
  const out = new Map();
  for (const line of tableLines("field-texts.txt")) {
    const [, name, always, text] = /^(\S+) (\{\} )?(.+)$/.exec(line);
    out.set(name, { text, always: always !== undefined });
  }
  return out;
}

/** Message or Message.field -> the default and the values that it may have, from field-values.txt. */
function readFieldValues() {
  const out = new Map();
  for (const line of tableLines("field-values.txt")) {
    const [, name, , unions, , value, , values] =
      /^(\S+)( unions=(\S+))?( default=(\S+))?( enum=(.+))?$/.exec(line);
    out.set(name, {
      ...(unions !== undefined && { unions: JSON.parse(unions) }),
      ...(value !== undefined && { v: value === "-" ? null : JSON.parse(value) }),
      ...(values !== undefined && { e: values.split("|") }),
    });
  }
  return out;
}

/** Message or Message.field -> where its text has line ends (12) and tabs (12t), from line-breaks.txt. */
function readLineBreaks() {
  return new Map(
    tableLines("line-breaks.txt").map((line) => {
      const [name, ...places] = line.split(" ");
      return [name, places];
    }),
  );
}

/** Puts back what the models have made plain spaces of. */
function broken(text, places, name) {
  const letters = [...text];
  for (const place of places) {
    const at = Number.parseInt(place, 10);
    if (at < letters.length && letters[at] !== " ")
      throw new Error(`line-breaks.txt: no space at ${at} of ${name}`);
    letters[at] = place.endsWith("t") ? "\t" : "\n";
  }
  return letters.join("");
}

/** The requests whose query parameters are told, by the name under which their texts stand. */
const parameterSources = {
  list: "ListPodForAllNamespaces",
  post: "CreateNamespace",
  patch: "PatchNamespace",
  delete: "DeleteNamespace",
  PodLogOptions: "ReadNamespacedPodLog",
  PodExecOptions: "ConnectGetNamespacedPodExec",
  PodAttachOptions: "ConnectGetNamespacedPodAttach",
  PodPortForwardOptions: "ConnectGetNamespacedPodPortforward",
  PodProxyOptions: "ConnectGetNamespacedPodProxy",
  ServiceProxyOptions: "ConnectGetNamespacedServiceProxy",
  NodeProxyOptions: "ConnectGetNodeProxy",
};

/** `?list` and the like -> parameter -> what it means, from what the generated client says of its requests. */
function readParameterTexts() {
  const declarations = readFileSync(join(models, "../types/ObjectParamAPI.d.ts"), "utf8");
  const breaks = readLineBreaks();
  const out = {};
  for (const [source, request] of Object.entries(parameterSources)) {
    const start = declarations.indexOf(`interface CoreV1Api${request}Request {`);
    const body = declarations.slice(start, declarations.indexOf("\n}", start));
    const texts = {};
    for (const [, said, name] of body.matchAll(/\/\*\*\n {5}\* (.*)\n(?: {5}\*.*\n)+? {4}(\w+)\??: /g)) {
      const parameter = name.replace(/^_/, "");
      const at = `?${source}.${parameter}`;
      texts[parameter] = broken(plainText(said), breaks.get(at) ?? [], at);
    }
    if (start < 0 || Object.keys(texts).length === 0)
      throw new Error(
        `ObjectParamAPI.d.ts says nothing of ${request}: has @kubernetes/client-node changed its form?`,
      );
    out[`?${source}`] = texts;
  }
  return out;
}

const entities = { quot: '"', "#39": "'", "#x60": "`", "#x3D": "=", lt: "<", gt: ">", amp: "&" };

/** Of a comment in the client's request types: HTML's entities, some of them behind a backslash. */
function plainText(said) {
  return said.replace(/\\?&([#\w]+);/g, (whole, name) => entities[name] ?? whole);
}

function tableLines(file) {
  const lines = readFileSync(join(tables, file), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** Fields and texts of one model, from its attribute map and its declaration. */
function readModel(name) {
  const script = readFileSync(join(models, `${name}.js`), "utf8");
  const map = /attributeTypeMap = (\[[\s\S]*?\n\]|\[\]);/.exec(script);
  if (map === null)
    throw new Error(`${name}.js has no attributeTypeMap: has @kubernetes/client-node changed its form?`);
  const declaration = readFileSync(join(models, `${name}.d.ts`), "utf8");
  const docs = { "": text(/\/\*\*\n((?:\* .*\n)*)\*\/\nexport declare class/.exec(declaration)?.[1]) };
  const required = new Set();
  for (const match of declaration.matchAll(
    /(?: {4}\/\*\*\n((?: {4}\* .*\n)*) {4}\*\/\n)? {4}'([^']+)'(\??): /g,
  )) {
    if (match[1] !== undefined) docs[match[2]] = text(match[1]);
    if (match[3] === "") required.add(match[2]);
  }
  const rows = JSON.parse(map[1]);
  for (const { name: property, baseName } of rows) {
    if (property === baseName || docs[property] === undefined) continue;
    docs[baseName] = docs[property];
    delete docs[property];
  }
  const fields = rows.map(({ name: property, baseName, type, format }) => ({
    name: baseName,
    type: typeOf(type, format),
    required: required.has(property),
  }));
  return { fields, docs };
}

/** A message without a model: its row names the types; what stands alone has apiVersion and kind as Status has them. */
function describeUnmodelled({ numbers }) {
  const fields = [...numbers.keys()].map((name) => ({ name, type: {}, required: false }));
  if (!numbers.has("metadata")) return { fields, docs: {} };
  const status = readModel("V1Status");
  const typeMeta = status.fields.filter(({ name }) => name === "apiVersion" || name === "kind");
  return {
    fields: [...typeMeta, ...fields],
    docs: { apiVersion: status.docs.apiVersion, kind: status.docs.kind },
  };
}

function text(lines) {
  const unquoted = (lines ?? "").replace(/\\(['"`\\])/g, "$1");
  const ended = unquoted.replace(/^ *\* ?/gm, "").trim();
  // What would begin or end a comment has been taken apart.
  return ended.replaceAll("*_/", "*/").replaceAll("/_*", "/*");
}

/** t: the type of one value; c: how many there are; f: the width of a number. */
function typeOf(type, format) {
  const list = /^(?:Array|Set)<(.*)>$/.exec(type);
  if (list !== null) return { ...typeOf(list[1], format), c: "list" };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map !== null) {
    const value = typeOf(map[1], format);
    return { ...value, c: value.c === "list" ? "mapOfLists" : "map" };
  }
  switch (type) {
    case "string":
      return { t: format === "byte" ? "bytes" : "string" };
    case "number":
      return format === "double" ? { t: "number" } : { t: "integer", f: format || "int64" };
    case "Date":
      return { t: format === "date-time-micro" ? "microtime" : "time" };
    case "V1MicroTime":
      return { t: "microtime" };
    case "IntOrString":
      return { t: "intOrString" };
    case "object":
      return { t: "any" };
    default:
      return { t: type };
  }
}

/** `apiVersion/Kind` -> message, of everything that can stand alone. */
function kindsOf(types) {
  const kinds = {};
  for (const [name, { p, k, fields }] of Object.entries(types)) {
    if (fields.apiVersion === undefined || fields.apiVersion.n !== undefined) continue;
    const [group, version] = p.split(".").slice(-2);
    if (p.includes("apimachinery")) kinds[`*/${k}`] = name;
    else {
      const served = groups[group] ?? group;
      kinds[`${served === "" ? "" : `${served}/`}${version}/${k}`] = name;
    }
  }
  return kinds;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await buildSchema({ out: join(root, "dist") });
