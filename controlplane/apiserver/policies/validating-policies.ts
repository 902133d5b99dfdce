import type { ValidatingAdmissionPolicy } from "../../../client/types.ts";
import type { Value } from "../../cel/values.ts";
import { type Attributes, type Connection, type Plugin, refusal, where } from "../admission/admission.ts";
import {
  type AskedRequest,
  askedConnection,
  askedRequest,
  type RequestForm,
} from "../admission/matching/asked-request.ts";
import { type ObservingDeps, observedConditions } from "../admission/matching/condition-metrics.ts";
import { isExempt } from "../admission/matching/rules.ts";
import { Answers } from "../admission/matching/variables.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import { ApiError, forbidden } from "../api-error.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import { evaluatePolicy, type Refusal, type Said } from "./decisions.ts";
import { invocationsFor, variablesIn } from "./invocations.ts";
import type { ValidatingPolicy } from "./policy.ts";
import type { Binding, FollowedPolicies, PolicyIndex } from "./policy-index.ts";
import { countCheck, type ValidatingPolicyMetrics } from "./policy-metrics.ts";

type ValidatingPolicies = PolicyIndex<ValidatingAdmissionPolicy, ValidatingPolicy>;

export type PolicyDeps = LookupDeps & ObservingDeps & { readonly authorizer: Authorizer };
export type ValidatingPolicyDeps = PolicyDeps & {
  readonly policyChecks: ValidatingPolicyMetrics;
};

/** Kubernetes' ValidatingAdmissionPolicy: asks every policy that is bound to what a request does. Refuses by the first that
 *  refuses; those that only warn or note do that. (Kubernetes' validating.dispatcher, in its words.) */
export function validatingPolicies(
  deps: ValidatingPolicyDeps,
  policies: FollowedPolicies<ValidatingAdmissionPolicy, ValidatingPolicy>,
): Plugin {
  return {
    validate: where(
      () => !policies.areNone,
      async (attributes) => {
        const index = await policies.current();
        if (index.isEmpty) return;
        const refused = await ask(deps, index, askedRequest(attributes), attributes.by);
        if (refused !== undefined) throw worded(refused, (text) => refusal(attributes, text));
      },
    ),
    validateConnect: async (connection) => {
      const index = await policies.current();
      if (index.isEmpty) return;
      const refused = await ask(deps, index, askedConnection(connection), connection.by);
      if (refused !== undefined)
        throw worded(refused, (text) => forbidden(connection.kind, connection.by.name, text));
    },
  };
}

type Sinks = Pick<Attributes["by"] & Connection["by"], "warn" | "annotate">;

interface Denial {
  readonly policy: ValidatingPolicy;
  readonly binding?: Binding | undefined;
  readonly message: string;
  readonly reason?: string | undefined;
}

/** Of policies of both kinds. */
export const conditionLabels = (
  { name, conditions }: Pick<ValidatingPolicy, "name" | "conditions">,
  { operation }: AskedRequest,
) => ({ name, kind: "policy", type: "validate", operation, conditions });

/** The first refusal that counts. */
async function ask(
  deps: ValidatingPolicyDeps,
  index: ValidatingPolicies,
  asked: AskedRequest,
  by: Sinks,
): Promise<Denial | undefined> {
  if (isExempt(asked)) return undefined;
  const answers = new Answers(deps.authorizer);
  const seen = new Map<RequestForm, ReadonlyMap<string, Value>>();
  const notes: Notes = new Map();
  const denials: Denial[] = [];
  for (const one of await invocationsFor(deps, index, asked)) {
    if ("misfit" in one) {
      denials.push({ ...one, message: one.misfit });
      continue;
    }
    const { policy, binding, form, params } = one;
    const variables = seen.get(form) ?? (await variablesIn(deps, asked, form, answers));
    seen.set(form, variables);
    const monotonicMs = () => deps.clock.monotonicMs();
    const said = await evaluatePolicy(policy, {
      ...{ variables, answers, params, monotonicMs },
      observed: (match) => observedConditions(deps, conditionLabels(policy, asked), match),
    });
    count(deps.policyChecks, { policy, binding, said });
    denials.push(...act(policy, binding, said, { by, notes }));
  }
  for (const [key, values] of notes) by.annotate(key, [...values].join(", "));
  return denials[0];
}

/** Values of audit annotations, by policy and key: those of all its bindings. */
type Notes = Map<string, Set<string>>;

function count(
  metrics: ValidatingPolicyMetrics,
  {
    policy,
    binding,
    said,
  }: { readonly policy: ValidatingPolicy; readonly binding: Binding; readonly said: Said },
): void {
  const { metadata, spec: { validationActions = [] } = {} } = binding.binding;
  const about = { policy: policy.name, binding: metadata.name };
  for (const { message, tookMs } of said.refusals)
    for (const action of validationActions)
      countCheck(metrics, { ...about, message, tookMs, action: actionNames[action] ?? "audit" });
  for (const { message, tookMs } of said.ignored)
    countCheck(metrics, { ...about, message, tookMs, action: "allow" });
}
const actionNames: Readonly<Record<string, "deny" | "warn">> = { Deny: "deny", Warn: "warn" };

/** Does what the binding says of what the policy says. */
function act(
  policy: ValidatingPolicy,
  binding: Binding,
  { refusals, annotations, annotationFaults }: Said,
  { by, notes }: { readonly by: Sinks; readonly notes: Notes },
): readonly Denial[] {
  for (const { key, value } of annotations) {
    const name = `${policy.name}/${key}`;
    notes.set(name, (notes.get(name) ?? new Set()).add(value));
  }
  return [
    ...refusals.flatMap((refused) => actOn(policy, binding, refused, by)),
    ...annotationFaults.map((message) => ({ policy, binding, message })),
  ];
}

function actOn(
  policy: ValidatingPolicy,
  one: Binding,
  { message, reason, index }: Refusal,
  by: Sinks,
): readonly Denial[] {
  const { metadata, spec: { validationActions = [], policyName } = {} } = one.binding;
  const { name } = metadata;
  const denials: Denial[] = [];
  for (const action of validationActions) {
    if (action === "Deny") denials.push({ policy, binding: one, message, reason });
    else if (action === "Warn")
      by.warn(
        `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${name}': ${message}`,
      );
    else {
      const failure = {
        message,
        policy: policyName,
        binding: name,
        expressionIndex: index,
        validationActions,
      };
      by.annotate("validation.policy.admission.k8s.io/validation_failure", JSON.stringify([failure]));
    }
  }
  return denials;
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

function worded(
  { policy, binding, message, reason = "Invalid" }: Denial,
  refused: (text: string) => ApiError,
): ApiError {
  const by = binding === undefined ? "" : ` with binding '${binding.binding.metadata.name}'`;
  const text = `ValidatingAdmissionPolicy '${policy.name}'${by} denied request: ${message}`;
  const error = refused(text);
  return new ApiError(codes[reason] ?? 422, reason, error.message, {
    ...error.details,
    causes: [{ message: text }],
  });
}
