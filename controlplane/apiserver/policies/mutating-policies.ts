import type { KubeObject, MutatingAdmissionPolicy } from "../../../client/types.ts";
import { untypedValue } from "../../cel/json-values.ts";
import type { Value } from "../../cel/values.ts";
import { applyDefaults, type Mutable, type Plugin, Rounds, refusal, where } from "../admission/admission.ts";
import {
  type AskedRequest,
  askedRequest,
  preparedForm,
  type RequestForm,
} from "../admission/matching/asked-request.ts";
import { observedConditions } from "../admission/matching/condition-metrics.ts";
import { conditionsMatch } from "../admission/matching/match-conditions.ts";
import { isExempt } from "../admission/matching/rules.ts";
import { Answers } from "../admission/matching/variables.ts";
import { TwoTurns } from "../admission/two-turns.ts";
import { ApiError } from "../api-error.ts";
import { sameJson } from "../registry/object-meta.ts";
import type { Schemas } from "../schemas.ts";
import { Evaluation } from "./expressions.ts";
import { type Invocation, invocationsFor, variablesIn } from "./invocations.ts";
import { MutationFault, mutated } from "./mutation.ts";
import type { MutatingPolicy } from "./policy.ts";
import type { Binding, FollowedPolicies, PolicyIndex } from "./policy-index.ts";
import { countMutation, type MutatingPolicyMetrics } from "./policy-metrics.ts";
import { conditionLabels, type PolicyDeps } from "./validating-policies.ts";

export type MutatingPolicyDeps = PolicyDeps & {
  readonly schemas: Schemas;
  readonly mutationChecks: MutatingPolicyMetrics;
};
type MutatingPolicies = PolicyIndex<MutatingAdmissionPolicy, MutatingPolicy>;

/** Kubernetes' MutatingAdmissionPolicy: policies change the object one after the other, each sees what those before it made.
 *  Where something changes it after a policy that wants to see it again, all plugins have a second turn. */
export function mutatingPolicies(
  deps: MutatingPolicyDeps,
  policies: FollowedPolicies<MutatingAdmissionPolicy, MutatingPolicy>,
): Plugin {
  return {
    mutate: where(
      () => !policies.areNone,
      async (attributes) => {
        const index = await policies.current();
        if (index.isEmpty || attributes.object === undefined) return;
        const asked = askedRequest(attributes);
        if (isExempt(asked)) return;
        await new Turn(deps, attributes, asked, attributes.object).take(index);
      },
    ),
  };
}

interface Denial {
  readonly policy: MutatingPolicy;
  readonly binding?: Binding | undefined;
  readonly message: string;
  readonly reason?: string;
}

/** What expressions see, as long as nothing changes the object. */
interface Seen {
  readonly changes: number;
  readonly named: Map<string, Value>;
}

class Turn {
  readonly #deps: MutatingPolicyDeps;
  readonly #attributes: Mutable;
  readonly #asked: AskedRequest;
  readonly #object: KubeObject;
  readonly #answers: Answers;
  readonly #turns: TwoTurns;
  readonly #denials: Denial[] = [];
  readonly #seen = new Map<RequestForm, Seen>();
  /** How often the object was changed in this turn. */
  #changes = 0;

  constructor(deps: MutatingPolicyDeps, attributes: Mutable, asked: AskedRequest, object: KubeObject) {
    this.#deps = deps;
    this.#attributes = attributes;
    this.#asked = asked;
    this.#object = object;
    this.#answers = new Answers(deps.authorizer);
    this.#turns = new TwoTurns(attributes.rounds ?? new Rounds(), mutatingPolicies);
  }

  async take(index: MutatingPolicies): Promise<void> {
    this.#turns.begin(this.#object);
    for (const one of await invocationsFor(this.#deps, index, this.#asked)) {
      if ("misfit" in one) this.#denials.push({ ...one, message: one.misfit });
      else await this.#invoke(one);
    }
    this.#turns.end(this.#object);
    if (this.#denials.length > 0) throw this.#refused();
  }

  async #invoke(invocation: Invocation<MutatingPolicy>): Promise<void> {
    const { policy, binding } = invocation;
    const named = await this.#variables(invocation);
    const { failurePolicy } = policy;
    const verdict = await observedConditions(this.#deps, conditionLabels(policy, this.#asked), (onError) =>
      conditionsMatch(policy.conditions, new Map(named).set("namespaceObject", null), {
        ...{ answers: this.#answers, failurePolicy, onError },
      }),
    );
    if ("error" in verdict) this.#deny({ policy, binding, message: verdict.error, reason: "Invalid" });
    const key = keyOf(invocation);
    if ("error" in verdict || !verdict.matches || !this.#turns.mayAsk(key)) return;
    // Fields are replaced, never changed inside.
    const before = { ...this.#object };
    let evaluation = new Evaluation(named, policy.variables, this.#answers);
    let evaluatedAt = this.#changes;
    for (const mutation of policy.mutations) {
      if (evaluatedAt !== this.#changes) {
        evaluation = new Evaluation(await this.#variables(invocation), policy.variables, this.#answers);
        evaluatedAt = this.#changes;
      }
      const form = await preparedForm(invocation.form, this.#asked);
      const about = { object: this.#object, form, evaluation };
      const message = await this.#counted(invocation, async () =>
        this.#replace(await mutated(this.#deps.schemas, mutation, about)),
      );
      if (message !== undefined) this.#deny({ policy, binding, message, reason: "Invalid" });
    }
    if (!sameJson(before, this.#object)) this.#turns.changed();
    if (policy.isReinvoked) this.#turns.wantsMore(key);
  }

  /** What is wrong with a mutation, where something is. */
  async #counted(
    { policy, binding }: Invocation<MutatingPolicy>,
    mutate: () => Promise<void>,
  ): Promise<string | undefined> {
    const { clock, mutationChecks } = this.#deps;
    const startedMs = clock.monotonicMs();
    const count = (message?: string) =>
      countMutation(mutationChecks, {
        policy: policy.name,
        binding: binding.binding.metadata.name,
        tookMs: clock.monotonicMs() - startedMs,
        ...(message !== undefined && { message }),
      });
    try {
      await mutate();
      count();
      return undefined;
    } catch (error) {
      count(error instanceof Error ? error.message : String(error));
      if (!(error instanceof MutationFault)) throw error;
      return error.message;
    }
  }

  /** As the object is now. */
  async #variables({ form, params }: Invocation<MutatingPolicy>): Promise<Map<string, Value>> {
    let seen = this.#seen.get(form);
    if (seen === undefined || seen.changes !== this.#changes) {
      const named = await variablesIn(this.#deps, this.#asked, form, this.#answers);
      seen = { changes: this.#changes, named };
      this.#seen.set(form, seen);
    }
    return new Map(seen.named).set("params", params === undefined ? null : untypedValue(params));
  }

  /** In place: others hold it. */
  #replace(next: KubeObject): void {
    if (sameJson(next, this.#object)) return;
    for (const field of Object.keys(this.#object)) Reflect.deleteProperty(this.#object, field);
    Object.assign(this.#object, next);
    applyDefaults(this.#attributes, this.#object);
    this.#changes += 1;
  }

  #deny(denial: Denial): void {
    if (denial.policy.failurePolicy !== "Ignore") this.#denials.push(denial);
  }

  /** The first decides; the others are told too. */
  #refused(): ApiError {
    const texts = this.#denials.map(textOf);
    const { details } = refusal(this.#attributes, "admission request denied by policy");
    const causes = texts.map((message) => ({ message }));
    return new ApiError(403, this.#denials[0]?.reason ?? "Forbidden", texts[0] ?? "", { ...details, causes });
  }
}

function textOf({ policy, binding, message }: Denial): string {
  if (binding === undefined) return `policy ${JSON.stringify(policy.name)} denied request: ${message}`;
  return `policy '${policy.name}' with binding '${binding.binding.metadata.name}' denied request: ${message}`;
}

function keyOf({ policy, binding, params }: Invocation<MutatingPolicy>): string {
  const { name, namespace } = (params?.metadata ?? {}) as { name?: string; namespace?: string };
  return JSON.stringify([policy.name, binding.binding.metadata.name, namespace, name]);
}
