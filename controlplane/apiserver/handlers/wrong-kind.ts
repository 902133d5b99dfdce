import { ApiError, badRequest } from "../api-error.ts";
import { goKindOf } from "../go-json-error.ts";
import { isObject, stringOf } from "../json.ts";
import { apiVersionOf } from "../registry/kind-table.ts";
import { checkFields } from "../schema/check-fields.ts";
import { isKnownElsewhere } from "../schema/kinds-elsewhere.ts";
import { findTypeName, type Gvk } from "../schema/load.ts";

/** Why an object is not of the kind that its place wants, as Kubernetes words it: it tells a kind that nobody knows from a
 *  known one in the wrong place. Pure. */
export function wrongKind(object: Readonly<Record<string, unknown>>, wanted: Gvk): ApiError {
  const [apiVersion, kind] = [stringOf(object.apiVersion), stringOf(object.kind)];
  const version = apiVersion.split("/").at(-1) ?? "";
  const said = { kind, version };
  if (!isKnown(apiVersion, kind))
    return new UndecodableError(said, wanted.kind, unregisteredText(kind, apiVersion));
  const problem = readingProblem(object, { apiVersion, kind });
  if (problem !== undefined) return new UndecodableError(said, wanted.kind, problem);
  if (kind === wanted.kind) return otherVersion(object, apiVersionOf(wanted.group, wanted.version));
  const [from, to] = [`${version}.${kind}`, `${wanted.group.split(".")[0] || "core"}.${wanted.kind}`];
  return new UndecodableError(said, wanted.kind, `converting (${from}) to (${to}): unknown conversion`);
}

/** What Go's decoder says where the object is not even what it says it is. */
function readingProblem(
  object: Readonly<Record<string, unknown>>,
  { apiVersion, kind }: Readonly<Record<"apiVersion" | "kind", string>>,
): string | undefined {
  const gvk = (name: string): Gvk => {
    const [version = "", group = ""] = apiVersion.split("/").reverse();
    return { group, version, kind: name };
  };
  if (findTypeName(apiVersion, kind) !== undefined) return checkFields(gvk(kind), object).typeErrors[0];
  const { items } = object;
  if (!kind.endsWith("List") || items === undefined || items === null) return undefined;
  const item = kind.replace(/List$/, "");
  const goType = item === "" ? "runtime.RawExtension" : `${gvk(item).version}.${item}`;
  if (!Array.isArray(items))
    return `json: cannot unmarshal ${goKindOf(items)} into Go struct field ${kind}.items of type []${goType}`;
  if (findTypeName(apiVersion, item) === undefined) return undefined;
  for (const one of items) {
    const [problem] = isObject(one) ? checkFields(gvk(item), one).typeErrors : [];
    if (problem !== undefined) return problem.replace(/(Go struct field \w+\.)/, "$1items.");
  }
  return undefined;
}

/** The version that an object says, as Go reads it: a group that is left empty before its slash is that of the core, and a version
 *  that is left empty behind it is the wanted one. */
export function versionAsRead(said: string, wanted: string): string {
  if (said.length > 1 && said.startsWith("/")) return said.slice(1);
  return said.endsWith("/") && wanted.startsWith(said) ? wanted : said;
}

export function otherVersion(object: { readonly apiVersion?: unknown }, wanted: string): ApiError {
  const said = stringOf(object.apiVersion);
  return badRequest(
    `the API version in the data (${said}) does not match the expected API version (${wanted})`,
  );
}

/** 400 where it came from a client as it is; who built it out of a patch says otherwise what is wrong (`why`). */
export class UndecodableError extends ApiError {
  readonly why: string;

  constructor(said: { readonly kind: string; readonly version: string }, wantedKind: string, why: string) {
    const text = `${said.kind} in version "${said.version}" cannot be handled as a ${wantedKind}: ${why}`;
    super(400, "BadRequest", text);
    this.why = why;
  }
}

export function unregisteredText(kind: string, apiVersion: string): string {
  const version = JSON.stringify(apiVersion);
  return `no kind ${JSON.stringify(kind)} is registered for version ${version} in scheme "pkg/runtime/scheme.go:111"`;
}

/** Lists are known wherever their items are. */
function isKnown(apiVersion: string, kind: string): boolean {
  const item = kind.replace(/List$/, "");
  return (
    [kind, item].some(
      (one) => findTypeName(apiVersion, one) !== undefined || isKnownElsewhere(apiVersion, one),
    ) || apiVersion + kind === "v1List"
  );
}
