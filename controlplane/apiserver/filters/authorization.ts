import { setOwnField } from "../../../base/own-field.ts";
import { ApiError, forbidden } from "../api-error.ts";
import { parseFieldSelector } from "../registry/selectors.ts";
import type { User } from "./authentication.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import type { RequestInfo } from "./request-info.ts";
import { searchRights } from "./search-rights.ts";

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of a list, watch or deletecollection: fields that the selector fixes to one value. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** What somebody wants to do: to a resource, or to a path that is none. */
export type Attributes = ResourceAttributes | { readonly verb: string; readonly path: string };

export function attributesOf(info: RequestInfo): Attributes {
  if (info.resource === undefined) return { verb: info.verb, path: info.path };
  const search = searchRights(info);
  if (search !== undefined) return search;
  const { verb, group, plural, subresource, namespace, name } = info.resource;
  const attributes = { verb, group, plural, subresource, namespace, name };
  if (verb !== "list" && verb !== "watch" && verb !== "deletecollection") return attributes;
  const fields = fixedFields(info.query.get("fieldSelector") ?? "");
  // As in Kubernetes: a list of one object by its name asks for that object.
  return { ...attributes, name: name || (fields["metadata.name"] ?? ""), fields };
}

/** What `a=b,c==d` fixes, read by the parser that the handlers use: whoever is let in by a selector must be answered by
 *  the same one. A selector that cannot be read fixes nothing: the handler refuses it. */
export function fixedFields(selector: string): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  try {
    for (const { field, equal, value } of parseFieldSelector(selector))
      if (equal) setOwnField(fields, field, value);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {};
  }
  return fields;
}

/** How asking ended; nobody here denies for good, so that another could not allow. */
export type Outcome = "allowed" | "no-opinion" | "error";

/** Fails with 403, and with 503 where nobody can say.
 *  @param count Is told how it ended, and why. */
export async function authorize(
  authorizer: Authorizer,
  user: User,
  info: RequestInfo,
  count: (outcome: Outcome, reason?: string) => void = () => {},
): Promise<void> {
  const wanted = attributesOf(info);
  let decision: Decision;
  try {
    decision = await authorizer(user, wanted);
  } catch (error) {
    count("error");
    throw error;
  }
  const { allowed, reason } = decision;
  count(allowed ? "allowed" : "no-opinion", reason);
  if (!allowed) throw accessForbidden(user, wanted, reason);
}

/** The refusal in Kubernetes' words. */
export function accessForbidden(user: User, wanted: Attributes, reason = ""): ApiError {
  const why = `User ${JSON.stringify(user.name)} cannot ${described(wanted)}`.replaceAll(
    /[&<>]/g,
    (one) => entities[one] ?? one,
  );
  const text = reason === "" ? why : `${why}: ${reason}`;
  if ("path" in wanted) return forbidden({ group: "", plural: "" }, "", text);
  return forbidden({ group: wanted.group, plural: wanted.plural }, wanted.name, text);
}

/** Texts that a browser must not take for markup. */
const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function described(wanted: Attributes): string {
  if ("path" in wanted) return `${wanted.verb} path ${JSON.stringify(wanted.path)}`;
  const { group, plural, subresource, namespace, verb } = wanted;
  const resource = subresource === "" ? plural : `${plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return `${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${where}`;
}
