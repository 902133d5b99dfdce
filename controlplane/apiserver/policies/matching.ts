import type { AskedRequest, RequestForm } from "../admission/matching/asked-request.ts";
import { ruleMatches } from "../admission/matching/rules.ts";
import { namespaceMatches, objectMatches } from "../admission/matching/selectors.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import type { NamedRule, Target } from "./policy.ts";

/** The form in which the request is one of those that a policy or a binding is for, if it is one. Where the request's
 *  namespace cannot be looked up, that fails only if everything else matches. */
export async function targetForm(
  deps: LookupDeps,
  target: Target,
  asked: AskedRequest,
): Promise<RequestForm | undefined> {
  if (!objectMatches(target.objects, asked)) return undefined;
  if (formByRules(target.excluded, asked, target.matchPolicy) !== undefined) return undefined;
  const form = target.rules.length === 0 ? asked.form : formByRules(target.rules, asked, target.matchPolicy);
  if (form === undefined || !(await namespaceMatches(deps, target.namespaces, asked))) return undefined;
  return form;
}

function formByRules(
  rules: readonly NamedRule[],
  asked: AskedRequest,
  matchPolicy: string | undefined,
): RequestForm | undefined {
  const named = rules.filter(
    ({ resourceNames = [] }) => resourceNames.length === 0 || resourceNames.includes(asked.name),
  );
  if (named.some((rule) => ruleMatches(rule, asked, asked.form))) return asked.form;
  if (matchPolicy !== "Equivalent") return undefined;
  for (const rule of named)
    for (const form of asked.equivalents) if (ruleMatches(rule, asked, form)) return form;
  return undefined;
}
