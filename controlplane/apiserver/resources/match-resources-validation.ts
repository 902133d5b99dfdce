import { pathSegment } from "../../../client/rules/names.ts";
import type { MatchResources } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateRuleWithOperations } from "./rule-validation.ts";

const matchPolicies = ["Equivalent", "Exact"];

/** MatchResources of policies and their bindings. */
export function validateMatchResources(
  { matchPolicy, namespaceSelector, objectSelector, ...rules }: MatchResources,
  field: string,
): readonly FieldError[] {
  return [
    ...(matchPolicy === undefined ? [required(`${field}.matchPolicy`)] : []),
    ...(matchPolicy === undefined || matchPolicies.includes(matchPolicy)
      ? []
      : [notSupported(`${field}.matchPolicy`, matchPolicy, matchPolicies)]),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(objectSelector, `${field}.objectSelector`),
    ...validateNamedRules(rules.resourceRules, `${field}.resourceRules`),
    ...validateNamedRules(rules.excludeResourceRules, `${field}.excludeResourceRules`),
  ];
}

function validateNamedRules(rules: MatchResources["resourceRules"], field: string): readonly FieldError[] {
  return (rules ?? []).flatMap(({ resourceNames = [], ...rule }, index) => {
    const at = `${field}[${index}]`;
    const names = resourceNames.flatMap((name, position) => [
      ...pathSegment(name).map((text) => invalid(`${at}.resourceNames[${position}]`, name, text)),
      ...(resourceNames.indexOf(name) < position
        ? [duplicate(`${at}.resourceNames[${position}]`, name)]
        : []),
    ]);
    return [...names, ...validateRuleWithOperations(rule, at)];
  });
}
