import { withoutTrailing } from "../../../base/without-trailing.ts";
import type { PolicyRule } from "../../../client/types.ts";
import type { Attributes, ResourceAttributes } from "../filters/authorization.ts";

const all = "*";

/** Does this rule allow what is wanted? Pure; Kubernetes' RuleAllows. */
export function ruleAllows(rule: PolicyRule, wanted: Attributes): boolean {
  if (!hasOrAll(rule.verbs, wanted.verb)) return false;
  if ("path" in wanted) return (rule.nonResourceURLs ?? []).some((pattern) => pathFits(pattern, wanted.path));
  return (
    hasOrAll(rule.apiGroups, wanted.group) &&
    resourceFits(rule.resources ?? [], wanted) &&
    nameFits(rule.resourceNames ?? [], wanted.name)
  );
}

function hasOrAll(values: readonly string[] | undefined, wanted: string): boolean {
  return values?.includes(all) === true || values?.includes(wanted) === true;
}

/** `pods`, `pods/log`, a star for everything, a star with `/log` for that subresource of whatever. A resource does not stand
 *  for its subresources. */
function resourceFits(resources: readonly string[], { plural, subresource }: ResourceAttributes): boolean {
  const wanted = subresource === "" ? plural : `${plural}/${subresource}`;
  return hasOrAll(resources, wanted) || (subresource !== "" && resources.includes(`${all}/${subresource}`));
}

/** A rule with names allows nothing that has none: no create, and no list but of one name. */
function nameFits(names: readonly string[], wanted: string): boolean {
  return names.length === 0 || names.includes(wanted);
}

/** The pattern itself, or with `*` at its end what begins like it. */
export function pathFits(pattern: string, path: string): boolean {
  if (pattern === path) return true;
  return pattern.endsWith(all) && path.startsWith(withoutTrailing(pattern, all));
}
