import { type AskedRequest, preparedForm, type RequestForm } from "../admission/matching/asked-request.ts";
import { type ObservingDeps, observedConditions } from "../admission/matching/condition-metrics.ts";
import { conditionsMatch } from "../admission/matching/match-conditions.ts";
import { matchingForm } from "../admission/matching/rules.ts";
import { namespaceMatches, objectMatches } from "../admission/matching/selectors.ts";
import { type Answers, requestVariables } from "../admission/matching/variables.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import { forbidden } from "../api-error.ts";
import type { Hook } from "./hooks.ts";
import type { WebhookMetrics } from "./metrics.ts";

export interface ShouldAskDeps extends LookupDeps, ObservingDeps {
  readonly metrics: WebhookMetrics;
}

/** In which group and version a webhook is to see the request; undefined: not at all. Fails with 404 for a namespace that is
 *  not there, and with 403 where its match conditions fail. */
export async function shouldAsk(
  deps: ShouldAskDeps,
  hook: Hook,
  asked: AskedRequest,
  { answers, type }: { readonly answers: Answers; readonly type: "admit" | "validating" },
): Promise<RequestForm | undefined> {
  const matching = matchingForm(hook.rules, asked, hook.matchPolicy);
  if (matching === undefined || !objectMatches(hook.objectSelector, asked)) return undefined;
  if (!(await namespaceMatches(deps, hook.namespaceSelector, asked))) return undefined;
  const form = await preparedForm(matching, asked);
  if (hook.conditions.length === 0) return form;
  const variables = requestVariables(asked, form, { answers });
  const failurePolicy = hook.ignoresFailure ? "Ignore" : "Fail";
  const { operation } = asked;
  const labels = { name: hook.name, kind: "webhook", type, operation };
  const { conditions } = hook;
  const verdict = await observedConditions(deps, { ...labels, conditions }, (onError) =>
    conditionsMatch(conditions, variables, { answers, failurePolicy, onError }),
  );
  if ("error" in verdict) throw forbidden(asked.form, asked.name, verdict.error);
  if (verdict.matches) return form;
  deps.metrics.matchExclusions.inc(labels);
  return undefined;
}
