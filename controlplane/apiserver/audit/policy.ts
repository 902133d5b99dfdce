import { withoutTrailing } from "../../../base/without-trailing.ts";
import type { User } from "../filters/authentication.ts";
import type { RequestInfo } from "../filters/request-info.ts";
import { listOfObjects, noUnknown, recordOf, textsOf } from "../read-document.ts";

/** audit.k8s.io's Policy: how much is told of which requests. */

export const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type Level = (typeof levels)[number];
export const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Stage = (typeof stages)[number];

export interface AuditRule {
  readonly level: Level;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly {
    readonly group: string;
    readonly resources: readonly string[];
    readonly resourceNames: readonly string[];
  }[];
  readonly namespaces: readonly string[];
  readonly nonResourceUrls: readonly string[];
  readonly omitStages: readonly string[];
  readonly omitManagedFields: boolean;
}

/** The first rule that matches counts; where none does nothing is told. */
export type AuditPolicy = readonly AuditRule[];

export function ruleFor(policy: AuditPolicy, user: User, info: RequestInfo): AuditRule | undefined {
  return policy.find((rule) => matches(rule, user, info));
}

function matches(rule: AuditRule, user: User, info: RequestInfo): boolean {
  const among = (list: readonly string[], value: string) => list.length === 0 || list.includes(value);
  if (!among(rule.users, user.name) || !among(rule.verbs, info.verb)) return false;
  if (rule.userGroups.length > 0 && !user.groups.some((group) => rule.userGroups.includes(group)))
    return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return matchesResource(rule, info);
  if (rule.nonResourceUrls.length > 0)
    return info.resource === undefined && rule.nonResourceUrls.some((url) => pathMatches(info.path, url));
  return true;
}

function pathMatches(path: string, url: string): boolean {
  if (url === "*" || url === path) return true;
  return url.endsWith("*") && path.startsWith(withoutTrailing(url, "*"));
}

function matchesResource({ namespaces, resources }: AuditRule, { resource }: RequestInfo): boolean {
  if (resource === undefined) return false;
  const { group, plural, subresource, namespace, name } = resource;
  if (namespaces.length > 0 && !namespaces.includes(namespace)) return false;
  if (resources.length === 0) return true;
  const whole = subresource === "" ? plural : `${plural}/${subresource}`;
  return resources.some((one) => {
    if (one.group !== group && one.group !== "*") return false;
    if (one.resources.length === 0) return true;
    if (one.resourceNames.length > 0 && !one.resourceNames.includes(name)) return false;
    return one.resources.some(
      (wanted) =>
        wanted === whole ||
        wanted === "*" ||
        (subresource !== "" && wanted === `*/${subresource}`) ||
        wanted === `${plural}/*`,
    );
  });
}

/** Reads a policy, parsed from YAML or JSON, in Kubernetes' words. Each thing that is wrong is added to `problems`. */
export function readAuditPolicy(document: unknown, problems: string[]): AuditPolicy {
  const top = recordOf(document, "the policy", problems);
  const { apiVersion, kind, metadata: _, rules, omitStages, omitManagedFields, ...rest } = top;
  if (kind !== "Policy" || apiVersion !== "audit.k8s.io/v1")
    problems.push(`${apiVersion}, ${kind}: not a Policy of audit.k8s.io/v1`);
  noUnknown(rest, "", problems);
  const everywhere = stagesOf(omitStages, "omitStages", problems);
  const all = listOfObjects(rules, "rules", problems);
  if (all.length === 0) problems.push("the policy has no rules");
  return all.map((rule, index) =>
    readRule(rule, `rules[${index}]`, {
      omitStages: everywhere,
      omitManagedFields: omitManagedFields === true,
      problems,
    }),
  );
}

interface RuleContext {
  readonly omitStages: readonly string[];
  readonly omitManagedFields: boolean;
  readonly problems: string[];
}

function readRule(rule: Record<string, unknown>, at: string, context: RuleContext): AuditRule {
  const { problems } = context;
  const {
    level,
    users,
    userGroups,
    verbs,
    resources,
    namespaces,
    nonResourceURLs,
    omitStages,
    omitManagedFields,
    ...rest
  } = rule;
  noUnknown(rest, `${at}.`, problems);
  const texts = (value: unknown, name: string) => textsOf(value, `${at}.${name}`, problems);
  const urls = texts(nonResourceURLs, "nonResourceURLs");
  const named = texts(namespaces, "namespaces");
  const groups = listOfObjects(resources, `${at}.resources`, problems).map((one) =>
    readGroup(one, `${at}.resources`, problems),
  );
  problems.push(...urlProblems(urls, `${at}.nonResourceURLs`));
  if (urls.length > 0 && (groups.length > 0 || named.length > 0))
    problems.push(
      `${at}.nonResourceURLs: Invalid value: ${JSON.stringify(urls)}: rules cannot apply to both regular resources and non-resource URLs`,
    );
  return {
    level: levelOf(level, `${at}.level`, problems),
    users: texts(users, "users"),
    userGroups: texts(userGroups, "userGroups"),
    verbs: texts(verbs, "verbs"),
    resources: groups,
    namespaces: named,
    nonResourceUrls: urls,
    omitStages: [...context.omitStages, ...stagesOf(omitStages, `${at}.omitStages`, problems)],
    omitManagedFields: typeof omitManagedFields === "boolean" ? omitManagedFields : context.omitManagedFields,
  };
}

function readGroup(one: Record<string, unknown>, at: string, problems: string[]) {
  const { group = "", resources, resourceNames, ...rest } = one;
  noUnknown(rest, `${at}.`, problems);
  const named = textsOf(resources, `${at}.resources`, problems);
  const names = textsOf(resourceNames, `${at}.resourceNames`, problems);
  if (names.length > 0 && named.length === 0)
    problems.push(
      `${at}.resourceNames: Invalid value: ${JSON.stringify(names)}: using resourceNames requires at least one resource`,
    );
  const text = String(group);
  if (text !== "" && text !== "*" && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text))
    problems.push(`${at}.group: Invalid value: ${JSON.stringify(text)}: not the name of a group`);
  return { group: text, resources: named, resourceNames: names };
}

function levelOf(level: unknown, at: string, problems: string[]): Level {
  const found = levels.find((one) => one === level);
  if (found !== undefined) return found;
  const supported = levels.map((one) => `"${one}"`).join(", ");
  problems.push(
    level === undefined || level === ""
      ? `${at}: Required value`
      : `${at}: Unsupported value: ${JSON.stringify(level)}: supported values: ${supported}`,
  );
  return "None";
}

function stagesOf(given: unknown, at: string, problems: string[]): readonly string[] {
  const named = textsOf(given, at, problems);
  named.forEach((stage, index) => {
    if (!(stages as readonly string[]).includes(stage))
      problems.push(
        `${at}[${index}]: Invalid value: ${JSON.stringify(stage)}: allowed stages are ${stages.join(",")}`,
      );
  });
  return named;
}

function urlProblems(urls: readonly string[], at: string): readonly string[] {
  return urls.flatMap((url, index) => {
    const refuse = (why: string) => `${at}[${index}]: Invalid value: ${JSON.stringify(url)}: ${why}`;
    if (url === "*") return [];
    return [
      ...(url.startsWith("/") ? [] : [refuse("non-resource URL rules must begin with a '/' character")]),
      ...(url.slice(0, -1).includes("*")
        ? [refuse("non-resource URL wildcards '*' must be the final character of the rule")]
        : []),
    ];
  });
}
