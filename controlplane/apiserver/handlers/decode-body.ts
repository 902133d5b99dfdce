import type { KubeObject } from "../../../client/types.ts";
import { badRequest, invalid, unsupportedMediaType } from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { isObject, type JsonObject, toKubeObject } from "../json.ts";
import { checkNesting } from "../nesting.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { duplicateFields } from "../schema/duplicate-fields.ts";
import type { Schemas } from "../schemas.ts";
import type { Call } from "./call.ts";
import { readYaml } from "./read-yaml.ts";

export const bodyTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;
const decoder = new TextDecoder("utf-8", { fatal: true });

export interface DecodedBody {
  readonly object: JsonObject;
  /** The text it was read from; absent for protobuf. */
  readonly text: string | undefined;
}

/** The body as a JSON object, whichever of the three forms it came in. Fails with 400 and 415. */
export function decodeBody(bytes: Uint8Array, contentType: string, schemas: Schemas): DecodedBody {
  const type = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  switch (type) {
    case "application/vnd.kubernetes.protobuf":
      try {
        return { object: schemas.decodeProtobuf(bytes), text: undefined };
      } catch (error) {
        throw badRequest(
          `couldn't decode the protobuf body: ${error instanceof Error ? error.message : error}`,
        );
      }
    case "":
    case "application/json":
    case "application/x-www-form-urlencoded": // curl -d says so when told nothing
      return parseJson(bytes);
    case "application/yaml":
    case "application/x-yaml":
    case "text/yaml":
      return parseYaml(bytes);
    default:
      throw unsupportedMediaType(bodyTypes);
  }
}

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
    object = JSON.parse(text);
  } catch (error) {
    // kubectl may send YAML without saying so.
    if (/^\s*[{[]/.test(text))
      throw badRequest(
        `couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : error}`,
      );
    return parseYaml(bytes);
  }
  checkNesting(object);
  return { object: requireObject(object), text };
}

export function parseYaml(bytes: Uint8Array): DecodedBody {
  const text = bodyText(bytes);
  // JSON is YAML, and read much faster as what it is.
  const value = parsedJson(text) ?? readYaml(text);
  const object = requireObject(value);
  checkNesting(object);
  return { object, text };
}

function parsedJson(text: string): unknown {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function requireObject(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw badRequest("couldn't get version/kind; json parse error: the body is not an object");
}

/** The object that a create or update brings, its field types checked, in the form it is stored in. */
export async function readObject(call: Call, schemas: Schemas): Promise<KubeObject> {
  const bytes = call.body;
  const body = decodeBody(bytes, header(call.headers, "content-type"), schemas);
  return acceptObject(call, schemas, body);
}

/** Checks kind, fields and place of an object that came from outside. Fails with BadRequest. */
export function acceptObject(call: Call, schemas: Schemas, { object, text }: DecodedBody): KubeObject {
  const { served, target } = call;
  // A patch may have built what no text could bring.
  checkNesting(object);
  object.apiVersion ??= served.apiVersion;
  object.kind ??= served.kind.kind;
  requireKind(object, served);
  const stored = served.convert === undefined ? object : served.convert.fromServed(object);
  checkFieldNames(call, schemas, { object: stored, text });
  const { group, version } = served.kind;
  schemas.normalize({ group, version, kind: served.kind.kind }, stored);
  const result = toKubeObject(stored);
  const { metadata } = result;
  if (!served.kind.namespaced) delete metadata.namespace;
  else if (metadata.namespace === undefined) metadata.namespace = target.namespace;
  else if (metadata.namespace !== target.namespace)
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  if (target.name !== "" && target.subresource === "") {
    if (metadata.name === "") metadata.name = target.name;
    else if (metadata.name !== target.name)
      throw badRequest(
        `the name of the object (${metadata.name}) does not match the name on the URL (${target.name})`,
      );
  }
  return result;
}

function requireKind(object: JsonObject, served: ServedKind): void {
  if (object.apiVersion === served.apiVersion && object.kind === served.kind.kind) return;
  const [version = "", group = ""] = String(object.apiVersion).split("/").reverse();
  throw badRequest(
    `${served.kind.kind} in version "${served.version}" cannot be handled as a ${served.kind.kind}: the object provided is unrecognized (must be of type ${served.kind.kind}): it is ${object.kind} in group "${group}", version "${version}"`,
  );
}

function checkFieldNames(call: Call, schemas: Schemas, { object, text }: DecodedBody): void {
  const asked = call.query.get("fieldValidation") ?? "";
  if (!["", "Strict", "Warn", "Ignore"].includes(asked))
    throw invalid({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [
      {
        reason: "FieldValueNotSupported",
        field: "fieldValidation",
        message: `Unsupported value: "${asked}": supported values: "Ignore", "Strict", "Warn"`,
      },
    ]);
  const { group, version, kind } = call.served.kind;
  const found = schemas.checkFields({ group, version, kind }, object);
  const [typeError] = found.typeErrors;
  if (typeError !== undefined)
    throw badRequest(
      `${call.served.kind.kind} in version "${call.served.version}" cannot be handled as a ${call.served.kind.kind}: ${typeError}`,
    );
  // Looking for what stands twice means reading the text again, so only for those who ask (kubectl always does).
  const wantsDuplicates = text !== undefined && (asked === "Strict" || asked === "Warn");
  const problems = [...found.unknown, ...(wantsDuplicates ? duplicateFields(text) : found.duplicate)];
  if (problems.length === 0 || asked === "Ignore") return;
  if (asked === "Strict")
    throw badRequest(
      `${call.served.kind.kind} in version "${call.served.version}" cannot be handled as a ${call.served.kind.kind}: strict decoding error: ${problems.join(", ")}`,
    );
  for (const problem of problems) call.warn(problem);
}
