import type { AskedRequest, RequestForm } from "./asked-request.ts";

/** A rule of a webhook or a policy (RuleWithOperations of admissionregistration.k8s.io). Pure. */
export interface Rule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  /** `pods`, `pods/status`, `*`, `pods/*`, `*` with any subresource. */
  readonly resources?: readonly string[];
  readonly scope?: string;
}

/** Does the rule match the request, asked in this group and version? */
export function ruleMatches(rule: Rule, asked: AskedRequest, form: RequestForm): boolean {
  return (
    scopeMatches(rule.scope, asked, form) &&
    holds(rule.operations, asked.operation) &&
    holds(rule.apiGroups, form.group) &&
    holds(rule.apiVersions, form.version) &&
    (rule.resources ?? []).some((one) => resourceMatches(one, form.plural, asked.subresource))
  );
}

/** The form in which the first of the rules matches: the client's own, or where equivalents count another one. */
export function matchingForm(
  rules: readonly Rule[],
  asked: AskedRequest,
  matchPolicy: string | undefined,
): RequestForm | undefined {
  if (rules.some((rule) => ruleMatches(rule, asked, asked.form))) return asked.form;
  if (matchPolicy !== "Equivalent") return undefined;
  for (const rule of rules)
    for (const form of asked.equivalents) if (ruleMatches(rule, asked, form)) return form;
  return undefined;
}

const holds = (list: readonly string[] | undefined, wanted: string): boolean =>
  list?.includes("*") === true || list?.includes(wanted) === true;

function resourceMatches(pattern: string, plural: string, subresource: string): boolean {
  const cut = pattern.indexOf("/");
  const resource = cut < 0 ? pattern : pattern.slice(0, cut);
  const inner = cut < 0 ? "" : pattern.slice(cut + 1);
  return (resource === "*" || resource === plural) && (inner === "*" || inner === subresource);
}

/** A Namespace is in itself, but it is no namespaced object. */
function scopeMatches(scope: string | undefined, { namespace }: AskedRequest, form: RequestForm): boolean {
  if (scope === undefined || scope === "*") return true;
  const isNamespace = form.group === "" && form.version === "v1" && form.plural === "namespaces";
  const isInside = !isNamespace && namespace !== "";
  return scope === "Namespaced" ? isInside : scope === "Cluster" && !isInside;
}

const exemptKinds: ReadonlySet<string> = new Set([
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
]);

/** What says who is asked is asked about by nobody: else a bad configuration could not be mended. */
export function isExempt({ form }: AskedRequest): boolean {
  return form.type.group === "admissionregistration.k8s.io" && exemptKinds.has(form.type.kind);
}
