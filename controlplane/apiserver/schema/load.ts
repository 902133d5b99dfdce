import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** One field of a message, as `scripts/build-schema.mjs` writes it. */
export interface SchemaField {
  /** The type of one value: the name of a message, a scalar, or a form of `schema-forms.ts`. */
  readonly t: string;
  /** Absent: one value. */
  readonly c?: "list" | "map" | "mapOfLists";
  /** int32 or int64. */
  readonly f?: string;
  /** What Go calls the type of all that the field holds, where `t` and `c` do not tell. */
  readonly g?: string;
  /** The field stands in a type of this name that is embedded in the message's. */
  readonly in?: string;
  /** Protobuf field number; `2.5` is number 5 of the message that stands in number 2. */
  readonly n?: string;
  /** Required. */
  readonly r?: 1;
  /** Never absent in Kubernetes' types: an empty message where nothing is given. */
  readonly d?: 1;
  /** What its schema gives as the value of an absent one; null: nothing. Absent: its type's zero if it is required. */
  readonly v?: unknown;
  /** The values that there are. */
  readonly e?: readonly string[];
  /** Zero, false, "" and the empty list are values of their own; without it they mean that an optional field is not set. */
  readonly z?: 1;
  /** Stands in the protobuf message even where it is not set, against what the type and `z` say (see `isAlwaysWritten`). */
  readonly w?: 1;
  /** Stands in the JSON even where it is not set, though it is not required: as the zero of its type, or as null; none: is left
   *  out where it is not set, though it is required. */
  readonly j?: "zero" | "null" | "none";
  /** Strategic merge by this key; empty: as a set. */
  readonly merge?: string;
  readonly retainKeys?: 1;
  /** Strategic merge puts the patch's value in the place of the old one. */
  readonly replace?: 1;
  /** Server-side apply owns list elements by these keys, … */
  readonly keys?: readonly string[];
  /** … of which an element may leave out these; absent: those of built-in lists, … */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** … by their value, … */
  readonly set?: 1;
  /** … or all at once; granular where the message is owned at once elsewhere, but not here. */
  readonly atomic?: 1;
  readonly granular?: 1;
  /** The message, where it has no name: a part of a custom resource. */
  readonly inner?: SchemaType;
  /** null is a value of its own. */
  readonly nil?: 1;
  /** A list of which nobody says how it merges. */
  readonly plain?: 1;
}

export interface SchemaType {
  /** Protobuf package. */
  readonly p: string;
  /** Name within the package. */
  readonly k: string;
  readonly atomic?: 1;
  /** May have fields that are not listed here. */
  readonly open?: 1;
  /** Which fields go with which value of another, as OpenAPI writes it. */
  readonly unions?: readonly object[];
  /** In the order in which Go's types have them. */
  readonly fields: Readonly<Record<string, SchemaField>>;
}

export interface Schema {
  /** Changes whenever types or documentation do. */
  readonly hash: string;
  readonly types: Readonly<Record<string, SchemaType>>;
  /** `apiVersion/Kind` -> message. */
  readonly kinds: Readonly<Record<string, string>>;
}

/** Message -> field -> text; the empty field is the message itself. `?` and a kind of request (`?list`, `?PodLogOptions`): what its
 *  query parameters mean. */
export type SchemaDocs = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** One field of a Go type: what it is called there, and in the API but for capitals. */
export interface GoField {
  readonly name: string;
  /** Absent: the value itself. */
  readonly field?: string;
  readonly type: string;
  /** Its fields are written among those around it. */
  readonly isEmbedded?: boolean;
  /** Is left out where it is empty. */
  readonly isOmitted?: boolean;
}

/** Go type -> its fields, in order. */
export type GoForms = Readonly<Record<string, readonly GoField[]>>;

export class UnknownKindError extends Error {
  override readonly name = "UnknownKindError";
  readonly apiVersion: string;
  readonly kind: string;

  constructor(apiVersion: string, kind: string) {
    super(`no kind "${kind}" is registered for version "${apiVersion}"`);
    this.apiVersion = apiVersion;
    this.kind = kind;
  }
}

let loaded: Schema | undefined;
let loadedDocs: SchemaDocs | undefined;
let loadedForms: GoForms | undefined;

const schemaFile = "schema.json.gz";

/** Throws if the package was not built, which would come out only once something is asked. */
export function checkBuilt(from?: string): void {
  builtFile(schemaFile, from);
}

/** The schema; read from disk the first time. Throws if the package was not built. */
export function schema(): Schema {
  loaded ??= read(schemaFile) as Schema;
  return loaded;
}

/** The documentation; some megabytes in memory, so only for those who show it. */
export function schemaDocs(): SchemaDocs {
  loadedDocs ??= read("schema-docs.json.gz") as SchemaDocs;
  return loadedDocs;
}

/** How messages show values; few servers ever show one. */
export function goForms(): GoForms {
  loadedForms ??= read("go-forms.json.gz") as GoForms;
  return loadedForms;
}

/** Lets go of the documentation once what was made of it stands. */
export function dropSchemaDocs(): void {
  loadedDocs = undefined;
}

/** The files are our own build's, so their shape is taken on trust. */
function read(file: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(builtFile(file))).toString());
}

/** Where a file of the build is. Throws if the package was not built. */
function builtFile(file: string, from = dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "dist", file);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) throw new Error(`dist/${file} is missing: run \`npm run build\``);
  }
}

export function apiVersionOf({
  group,
  version,
}: {
  readonly group: string;
  readonly version: string;
}): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The message of a kind. DeleteOptions and Status are known under every group. Throws UnknownKindError. */
export function typeNameOf(gvk: Gvk): string {
  const name = findTypeName(apiVersionOf(gvk), gvk.kind);
  if (name === undefined) throw new UnknownKindError(apiVersionOf(gvk), gvk.kind);
  return name;
}

export function findTypeName(apiVersion: string, kind: string): string | undefined {
  const { kinds } = schema();
  return kinds[`${apiVersion}/${kind}`] ?? kinds[`*/${kind}`];
}

/** The message's description, or undefined for scalars. */
export function typeOf(name: string): SchemaType | undefined {
  const { types } = schema();
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

/** The message of an object by what it says of itself. Of kinds that are not built in only the metadata is known. */
export function rootType(object: { readonly apiVersion?: unknown; readonly kind?: unknown }): SchemaType {
  const name = findTypeName(String(object.apiVersion ?? ""), String(object.kind ?? ""));
  const known = name === undefined ? undefined : typeOf(name);
  if (known !== undefined) return known;
  const metadata = typeOf(findTypeName("v1", "ConfigMap") ?? "")?.fields.metadata;
  return { p: "", k: String(object.kind), fields: metadata === undefined ? {} : { metadata } };
}

/** Undefined also of a field of which no schema tells more than that it may be there. */
export function fieldOf(type: SchemaType, name: string): SchemaField | undefined {
  const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
  return field?.t === "deduced" ? undefined : field;
}

/** May the message have the field? */
export function declares(type: SchemaType, name: string): boolean {
  return type.open === 1 || Object.hasOwn(type.fields, name);
}

/** The message of one of the field's values; undefined for scalars. */
export function messageOf({ inner, t }: SchemaField): SchemaType | undefined {
  return inner ?? typeOf(t);
}

/** One value of a list or a map. */
export function elementOf({ t, inner }: SchemaField): SchemaField {
  return { t, ...(inner && { inner }) };
}

/** Is this zero value just how an optional field that is not set looks? */
export function meansUnset(field: SchemaField, value: unknown): boolean {
  return (
    field.r !== 1 && field.z !== 1 && scalars.has(field.t) && (value === "" || value === 0 || value === false)
  );
}

const scalars: ReadonlySet<string> = new Set([
  "string",
  "bytes",
  "integer",
  "number",
  "boolean",
  "time",
  "microtime",
]);
