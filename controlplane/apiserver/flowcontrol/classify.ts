import type { FlowResourceRule, FlowRule, FlowSubject } from "../../../client/types.ts";
import type { User } from "../filters/authentication.ts";
import type { RequestInfo, ResourceInfo } from "../filters/request-info.ts";
import { type FlowSchemaSpec, suggestedSchemas } from "./suggested-objects.ts";

/** To which flow schema a request belongs, and to which of its flows. Pure. */

export interface SchemaObject {
  readonly name: string;
  readonly uid: string;
  readonly spec: FlowSchemaSpec;
}

/** In the order in which they are tried: by precedence, then by name; the mandatory ones are among them whatever happens. */
export function inOrder(
  schemas: readonly SchemaObject[],
  isLevel: (name: string) => boolean,
): readonly SchemaObject[] {
  const good = schemas.filter(({ spec }) => isLevel(spec.priorityLevelConfiguration?.name ?? ""));
  const sorted = [...good].sort(
    (a, b) =>
      (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0) || (a.name < b.name ? -1 : 1),
  );
  const [first, ...rest] = suggestedSchemas
    .filter(({ name, isMandatory }) => isMandatory && !good.some((one) => one.name === name))
    .map(({ name, spec }) => ({ name, uid: "", spec }));
  const missing = [first, ...rest].flatMap((one) => (one === undefined ? [] : [one]));
  const isExempt = ({ name }: SchemaObject) => name === "exempt";
  return [...missing.filter(isExempt), ...sorted, ...missing.filter((one) => !isExempt(one))];
}

/** The schema of a request; the last, which takes all, where none matches. */
export function schemaOf(
  ordered: readonly SchemaObject[],
  user: User,
  info: RequestInfo,
): SchemaObject | undefined {
  return (
    ordered.find(({ spec }) => (spec.rules ?? []).some((rule) => matchesRule(rule, user, info))) ??
    ordered.find(({ name }) => name === "catch-all")
  );
}

/** By what the schema tells its flows apart. */
export function distinguisher({ spec }: SchemaObject, user: User, info: RequestInfo): string {
  switch (spec.distinguisherMethod?.type) {
    case "ByUser":
      return user.name;
    case "ByNamespace":
      return info.resource?.namespace ?? "";
    default:
      return "";
  }
}

function matchesRule(rule: FlowRule, user: User, info: RequestInfo): boolean {
  if (!rule.subjects.some((subject) => matchesSubject(subject, user))) return false;
  const { resource } = info;
  if (resource !== undefined) return (rule.resourceRules ?? []).some((one) => matchesResource(one, resource));
  return (rule.nonResourceRules ?? []).some(
    ({ verbs, nonResourceURLs }) => holds(verbs, info.verb) && matchesUrl(nonResourceURLs, info.path),
  );
}

function matchesSubject({ kind, user: one, group, serviceAccount }: FlowSubject, user: User): boolean {
  if (kind === "User") return one !== undefined && (one.name === "*" || one.name === user.name);
  if (kind === "Group")
    return group !== undefined && (group.name === "*" || user.groups.includes(group.name));
  if (kind !== "ServiceAccount" || serviceAccount === undefined) return false;
  const { namespace, name } = serviceAccount;
  const prefix = `system:serviceaccount:${namespace}:`;
  return name === "*" ? user.name.startsWith(prefix) : user.name === `${prefix}${name}`;
}

function matchesResource(rule: FlowResourceRule, asked: ResourceInfo): boolean {
  const { verb, group, plural, subresource, namespace } = asked;
  return (
    holds(rule.verbs, verb) &&
    holds(rule.resources, subresource === "" ? plural : `${plural}/${subresource}`) &&
    holds(rule.apiGroups, group) &&
    (namespace === "" ? rule.clusterScope === true : holds(rule.namespaces ?? [], namespace))
  );
}

/** A path is also what lies below it. */
function matchesUrl(urls: readonly string[], path: string): boolean {
  return urls.some((url) => {
    if (url === "*" || url === path) return true;
    const prefix = url.endsWith("*") ? url.slice(0, -1) : url;
    return path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
  });
}

/** `*` stands alone. */
function holds(list: readonly string[], value: string): boolean {
  return (list.length === 1 && list[0] === "*") || list.includes(value);
}
