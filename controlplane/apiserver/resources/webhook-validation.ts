import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { MutatingWebhook, ValidatingWebhook } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateMatchConditions } from "./match-condition-validation.ts";
import { validateRuleWithOperations } from "./rule-validation.ts";
import { clientConfigProblems, reviewVersionProblems, reviewVersions } from "./webhook-client.ts";

/** What webhooks of a configuration say that Kubernetes does not take. Pure. */

type Webhook = Partial<ValidatingWebhook> & Partial<Pick<MutatingWebhook, "reinvocationPolicy">>;

const failurePolicies = ["Fail", "Ignore"];
const matchPolicies = ["Equivalent", "Exact"];
const sideEffectClasses = ["None", "NoneOnDryRun"];
/** Those that were taken once are taken still, where they stood. */
const oldSideEffectClasses = ["None", "NoneOnDryRun", "Some", "Unknown"];
const reinvocationPolicies = ["IfNeeded", "Never"];
const timeoutSecondsMax = 30;

/** @param before The webhooks that are stored, in an update. */
export function validateWebhooks(
  webhooks: readonly Webhook[],
  before: readonly Webhook[] | undefined,
): readonly FieldError[] {
  const rules = {
    sideEffects: before === undefined || before.every(hasNoSideEffects),
    versions: before === undefined || before.every(isUnderstood),
    names: before === undefined || namesDiffer(before),
    conditions:
      before === undefined ||
      before.length !== webhooks.length ||
      webhooks.some((one, index) => !sameValue(one.matchConditions, before[index]?.matchConditions)),
  };
  const seen = new Set<string>();
  return webhooks.flatMap((webhook, index) => {
    const at = `webhooks[${index}]`;
    const { name = "", admissionReviewVersions = [] } = webhook;
    const isSecond = rules.names && name !== "" && seen.has(name);
    seen.add(name);
    return [
      ...validateWebhook(webhook, at, rules),
      ...reviewVersionProblems(admissionReviewVersions, `${at}.admissionReviewVersions`, {
        mustUnderstand: rules.versions,
        detail: `must specify one of ${reviewVersions.join(", ")}`,
      }),
      ...(isSecond ? [duplicate(`${at}.name`, name)] : []),
    ];
  });
}

function validateWebhook(
  webhook: Webhook,
  at: string,
  rules: { readonly sideEffects: boolean; readonly conditions: boolean },
): readonly FieldError[] {
  const { name = "", timeoutSeconds, sideEffects, matchConditions = [], clientConfig = {} } = webhook;
  const effects = rules.sideEffects ? sideEffectClasses : oldSideEffectClasses;
  const oneOf = (field: "failurePolicy" | "matchPolicy" | "reinvocationPolicy", list: readonly string[]) => {
    const value = webhook[field];
    return value === undefined || list.includes(value) ? [] : [notSupported(`${at}.${field}`, value, list)];
  };
  return [
    ...qualifiedDomain(name, `${at}.name`),
    ...(webhook.rules ?? []).flatMap((rule, index) =>
      validateRuleWithOperations(rule, `${at}.rules[${index}]`),
    ),
    ...oneOf("failurePolicy", failurePolicies),
    ...oneOf("matchPolicy", matchPolicies),
    ...(sideEffects === undefined
      ? [required(`${at}.sideEffects`, `must specify one of ${effects.join(", ")}`)]
      : effects.includes(sideEffects)
        ? []
        : [notSupported(`${at}.sideEffects`, sideEffects, effects)]),
    ...(timeoutSeconds === undefined || (timeoutSeconds >= 1 && timeoutSeconds <= timeoutSecondsMax)
      ? []
      : [
          invalid(
            `${at}.timeoutSeconds`,
            timeoutSeconds,
            `the timeout value must be between 1 and ${timeoutSecondsMax} seconds`,
          ),
        ]),
    ...validateLabelSelector(webhook.namespaceSelector, `${at}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector, `${at}.objectSelector`),
    ...oneOf("reinvocationPolicy", reinvocationPolicies),
    ...clientConfigProblems(clientConfig, `${at}.clientConfig`),
    ...(rules.conditions ? validateMatchConditions(matchConditions, `${at}.matchConditions`) : []),
  ];
}

function qualifiedDomain(name: string, at: string): readonly FieldError[] {
  if (name === "") return [required(at)];
  const problems = dns1123Subdomain(name);
  if (problems.length > 0) return [invalid(at, name, problems.join(","))];
  if (name.split(".").length >= 3) return [];
  return [invalid(at, name, "should be a domain with at least three segments separated by dots")];
}

const hasNoSideEffects = ({ sideEffects }: Webhook) =>
  sideEffects !== undefined && sideEffectClasses.includes(sideEffects);

const isUnderstood = ({ admissionReviewVersions = [] }: Webhook) =>
  admissionReviewVersions.length === 0 || admissionReviewVersions.some((one) => reviewVersions.includes(one));

function namesDiffer(webhooks: readonly Webhook[]): boolean {
  return new Set(webhooks.map(({ name }) => name)).size === webhooks.length;
}
