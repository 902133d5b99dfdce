import { parseExactJson } from "../../../base/exact-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { ApiError, badRequest, invalid, unsupportedMediaType } from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { goJsonError, goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, objectOf, stringOf, toKubeObject } from "../json.ts";
import { checkNesting } from "../nesting.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { apiVersionOf } from "../registry/kind-table.ts";
import { storedFrom } from "../registry/slow-conversion.ts";
import { invalid as invalidValue } from "../resources/field-errors.ts";
import { duplicatesInJson, duplicatesInYaml, mayHaveDuplicates } from "../schema/duplicate-fields.ts";
import { UnknownKindError } from "../schema/load.ts";
import { ProtobufError } from "../schema/protobuf-envelope.ts";
import type { FieldFindings, Gvk, ObjectSchema, Schemas } from "../schemas.ts";
import type { Call } from "./call.ts";
import { mediaTypeOf } from "./content-type.ts";
import { mediaTypes } from "./negotiate.ts";
import { requireName, requireNamespace } from "./object-place.ts";
import { dropDoubleOwners } from "./owner-references.ts";
import { readYaml } from "./read-yaml.ts";
import { otherVersion, UndecodableError, unregisteredText, versionAsRead, wrongKind } from "./wrong-kind.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

export interface DecodedBody {
  readonly object: JsonObject;
  /** How it was written; absent for protobuf and for what was made of a patch. */
  readonly written?: WrittenBody;
  /** What is known to be amiss with how it came about: told along with unknown fields. */
  readonly flaws?: readonly string[];
}

interface WrittenBody {
  readonly isYaml: boolean;
  /** The keys that stand twice; in JSON with those of the unknown fields that come first, in the order of the text. */
  readonly doubled: (unknown: readonly string[]) => readonly string[];
}

/** The body as a JSON object, whichever of the three forms it came in. Fails with 400 and 415.
 *  @param wanted What a protobuf message is that does not say its kind. */
export function decodeBody(
  bytes: Uint8Array,
  contentType: string,
  schemas: Schemas,
  wanted?: Gvk,
): DecodedBody {
  switch (mediaTypeOf(contentType)) {
    case mediaTypes.protobuf:
      return { object: fromProtobuf(bytes, schemas, wanted) };
    case "":
    case mediaTypes.json:
      return parseJson(bytes);
    case mediaTypes.yaml:
      return parseYaml(bytes);
    default:
      throw unsupportedMediaType(Object.values(mediaTypes));
  }
}

/** What a request's body says, patches included. Fails as `decodeBody` does. */
export function bodyValue(bytes: Uint8Array, contentType: string, schemas: Schemas): unknown {
  return contentType.includes("patch+")
    ? yamlValue(bodyText(bytes))
    : decodeBody(bytes, contentType, schemas).object;
}

function fromProtobuf(bytes: Uint8Array, schemas: Schemas, wanted: Gvk | undefined): JsonObject {
  try {
    return schemas.decodeProtobuf(bytes, wanted && typeMetaOf(wanted));
  } catch (error) {
    if (error instanceof ProtobufError) {
      if (error.type === undefined || wanted === undefined) throw badRequest(error.message);
      throw new UndecodableError(saidIn(error.type), wanted.kind, error.message);
    }
    if (!(error instanceof UnknownKindError)) throw error;
    if (wanted === undefined) throw badRequest(unregisteredText(error.kind, error.apiVersion));
    const { apiVersion } = typeMetaOf(wanted);
    if (error.kind !== wanted.kind || error.apiVersion !== apiVersion)
      throw wrongKind({ apiVersion: error.apiVersion, kind: error.kind }, wanted);
    // Custom objects are no messages: nobody knows what the bytes are.
    const why =
      "object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message";
    throw new UndecodableError(saidIn(error), wanted.kind, why);
  }
}

const typeMetaOf = ({ group, version, kind }: Gvk) => ({ apiVersion: apiVersionOf(group, version), kind });

const saidIn = ({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }) => ({
  kind,
  version: apiVersion.split("/").at(-1) ?? "",
});

export function bodyText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw badRequest("the body of the request is not valid UTF-8");
  }
}

function parseJson(bytes: Uint8Array): DecodedBody {
  const text = bodyText(bytes);
  let object: unknown;
  try {
    object = parseExactJson(text);
  } catch (error) {
    throw badRequest(`${noKind}; json parse error: ${goJsonError(text) ?? String(error)}`);
  }
  const names = checkNesting(object);
  const doubled = (unknown: readonly string[]) =>
    mayHaveDuplicates(text, names) ? textFlaws(text, unknown) : unknown;
  // Go reads nothing at all out of a null.
  return {
    object: object === null ? {} : withReadableType(requireObject(object)),
    written: { isYaml: false, doubled },
  };
}

/** Kind and version as Go reads them first of all: texts, where null and nothing are the same as leaving them out. */
function withReadableType(object: JsonObject): JsonObject {
  for (const name of Object.keys(object)) {
    if (name !== "apiVersion" && name !== "kind") continue;
    const value = object[name];
    if (value === null || value === "") delete object[name];
    else if (typeof value !== "string")
      throw badRequest(
        `${noKind}; json parse error: json: cannot unmarshal ${goKindOf(value)} into Go struct field .${name} of type string`,
      );
  }
  const version = stringOf(object.apiVersion);
  if (version.split("/").length > 2) throw badRequest(`unexpected GroupVersion string: ${version}`);
  if (version === "/") delete object.apiVersion;
  return object;
}

const noKind = "couldn't get version/kind";

function parseYaml(bytes: Uint8Array): DecodedBody {
  const text = bodyText(bytes);
  const object = withReadableType(requireObject(yamlValue(text)));
  return { object, written: { isYaml: true, doubled: () => duplicatesInYaml(text) } };
}

/** What YAML says; an empty object where it says nothing. */
export function yamlValue(text: string): unknown {
  // JSON is YAML, and read much faster as what it is.
  const value = parsedJson(text) ?? readYaml(text);
  checkNesting(value);
  return value ?? {};
}

function parsedJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

/** The shape that Kubernetes first reads of any body. */
const typeShape =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function requireObject(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw badRequest(noTypeText(value));
}

/** What Kubernetes says of a value that is no object, and so has no type. */
export function noTypeText(value: unknown): string {
  return `${noKind}; json parse error: json: cannot unmarshal ${goKindOf(value)} into Go value of type ${typeShape}`;
}

/** The same for the body of a create or update: what cannot be read is told with the kind that was to be. */
function decodeAs(wanted: Gvk, call: Call, schemas: Schemas): DecodedBody {
  try {
    return decodeBody(call.body, header(call.headers, "content-type"), schemas, wanted);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400 || error instanceof UndecodableError) throw error;
    const text = `the object provided is unrecognized (must be of type ${wanted.kind})`;
    throw badRequest(`${text}: ${error.message} (${summary(call.body)})`);
  }
}

const summaryBytes = 30;

/** The beginning of a body: as text where it looks like JSON, else as hexadecimal digits. */
function summary(body: Uint8Array): string {
  if (body.length === 0) return "<empty>";
  const start = Buffer.from(body.subarray(0, summaryBytes));
  const shown = body[0] === 0x7b ? start.toString("utf8") : start.toString("hex");
  return body.length > summaryBytes ? `${shown} ...` : shown;
}

/** The object that a create or update brings, its field types checked, in the form it is stored in. */
export function readObject(call: Call, schemas: Schemas): Promise<KubeObject> {
  const { group, version, kind } = call.served;
  return acceptObject(call, schemas, decodeAs({ group, version, kind: kind.kind }, call, schemas));
}

export interface WantedKind extends Gvk {
  /** Versions of the group in which it looks the same. */
  readonly otherVersions?: readonly string[];
}

/** What a request says that is not an object of the served kind: a Binding, an Eviction, a Scale. Fails with BadRequest. */
export function readRequest(call: Call, schemas: Schemas, wanted: WantedKind): JsonObject {
  const body = decodeAs(wanted, call, schemas);
  const said = acceptRequest(call, schemas, wanted, body);
  requireNamespace(stringOf(objectOf(said.metadata).namespace), call.target.namespace);
  return said;
}

/** Fields that are unknown or stand twice, as Go's decoder comes upon them. */
function textFlaws(text: string, unknown: readonly string[]): readonly string[] {
  const known = new Set(unknown);
  return duplicatesInJson(text, (path, key) =>
    known.has(`unknown field ${JSON.stringify(path === "" ? key : `${path}.${key}`)}`),
  );
}

/** Checks kind and fields of what a request says. Fails with BadRequest. */
export function acceptRequest(
  call: Call,
  schemas: Schemas,
  wanted: WantedKind,
  body: DecodedBody,
): JsonObject {
  const { object } = body;
  checkNestingOf(body);
  const apiVersion = apiVersionOf(wanted.group, wanted.version);
  object.apiVersion = versionAsRead(stringOf(object.apiVersion), apiVersion) || apiVersion;
  object.kind ||= wanted.kind;
  requireKind(object, wanted);
  checkFieldNames(call, wanted, body, () => schemas.checkFields(wanted, object));
  return object;
}

/** Texts were looked at when they were read; a patch may have built what no text could bring. */
function checkNestingOf({ object, written }: DecodedBody): void {
  if (written === undefined) checkNesting(object);
}

/** Checks kind, fields and place of an object that came from outside. Fails with BadRequest. */
export async function acceptObject(call: Call, schemas: Schemas, body: DecodedBody): Promise<KubeObject> {
  const { object } = body;
  const { served, target } = call;
  checkNestingOf(body);
  object.apiVersion ??= served.apiVersion;
  object.kind ??= served.kind.kind;
  if (served.schema === undefined && typeof object.apiVersion === "string")
    object.apiVersion = versionAsRead(object.apiVersion, served.apiVersion);
  requireServed(served, object);
  const schema = schemaOf(served, schemas);
  const { group, version } = served;
  checkFieldNames(call, { group, version, kind: served.kind.kind }, body, () => schema.accept(object));
  // Whoever converts it is told where it is.
  if (served.slow !== undefined && served.kind.namespaced && isObject(object.metadata))
    object.metadata.namespace ??= target.namespace;
  const result = toKubeObject(await storedFrom(served, object));
  const { metadata } = result;
  dropDoubleOwners(result, call.warn);
  if (!served.kind.namespaced) delete metadata.namespace;
  else {
    metadata.namespace ??= target.namespace;
    requireNamespace(metadata.namespace, target.namespace);
  }
  if (target.name !== "") requireName(metadata.name, target.name);
  return result;
}

export function schemaOf({ schema, group, version, kind }: ServedKind, schemas: Schemas): ObjectSchema {
  return schema ?? schemas.of({ group, version, kind: kind.kind });
}

/** Of a definition's group and version any object can be read: what it is not is told as the rules of the kind tell it. */
function requireServed(served: ServedKind, object: JsonObject): void {
  const { group, version, apiVersion, kind } = served;
  if (served.schema === undefined) {
    requireKind(object, { group, version, kind: kind.kind });
    return;
  }
  if (object.apiVersion !== apiVersion) throw otherVersion(object, apiVersion);
  const said = stringOf(object.kind);
  if (said !== kind.kind)
    throw invalid({ group, kind: said }, stringOf(objectOf(object.metadata).name), [
      invalidValue("kind", said, `must be ${kind.kind}`),
    ]);
}

function requireKind(object: JsonObject, wanted: WantedKind): void {
  const isWanted = [wanted.version, ...(wanted.otherVersions ?? [])].some(
    (version) => object.apiVersion === apiVersionOf(wanted.group, version),
  );
  if (!isWanted || object.kind !== wanted.kind) throw wrongKind(object, wanted);
}

/** @param find Looks at the fields, once it is clear that the question is right. */
function checkFieldNames(
  call: Call,
  wanted: Gvk,
  { written, flaws = [] }: DecodedBody,
  find: () => FieldFindings,
): void {
  const asked = call.query.get("fieldValidation") ?? "";
  const { kind, version } = wanted;
  const found = find();
  const [typeError] = found.typeErrors;
  if (typeError !== undefined) throw new UndecodableError({ kind, version }, kind, typeError);
  if (asked === "Ignore") return;
  const problems = [...flaws, ...fieldProblems(found, written, asked === "Strict")];
  if (problems.length === 0) return;
  if (asked === "Strict")
    throw new UndecodableError({ kind, version }, kind, `strict decoding error: ${problems.join(", ")}`);
  for (const problem of problems) call.warn(problem);
}

function fieldProblems(
  found: FieldFindings,
  written: WrittenBody | undefined,
  asOne: boolean,
): readonly string[] {
  const doubled = written?.doubled(found.byPath ? [] : found.unknown) ?? found.duplicate;
  if (written !== undefined && !written.isYaml)
    return found.byPath ? [...doubled, ...found.unknown] : doubled;
  // What a patch built, and what YAML said, has no order of its own: Go puts names in theirs.
  if (written === undefined) return [...found.unknown, ...doubled].sort();
  const lines = doubled.map((line) => `\n  ${line}`).join("");
  const told = asOne && doubled.length > 0 ? [`yaml: unmarshal errors:${lines}`] : doubled;
  return [...told, ...[...found.unknown].sort()];
}
