import type { KubeObject, MutatingAdmissionPolicy } from "../../../client/types.ts";
import { type Mutable, type Plugin, Rounds, refusal } from "../admission/admission.ts";
import { type AskedRequest, askedRequest, preparedForm } from "../admission/matching/asked-request.ts";
import { conditionsMatch } from "../admission/matching/match-conditions.ts";
import { isExempt } from "../admission/matching/rules.ts";
import { Answers } from "../admission/matching/variables.ts";
import { ApiError } from "../api-error.ts";
import { untypedValue } from "../cel/json-values.ts";
import { sameJson } from "../registry/object-meta.ts";
import type { Schemas } from "../schemas.ts";
import { Evaluation } from "./expressions.ts";
import { type Invocation, invocationsFor, variablesIn } from "./invocations.ts";
import { MutationFault, mutated } from "./mutation.ts";
import type { MutatingPolicy } from "./policy.ts";
import type { Binding, PolicyIndex } from "./policy-index.ts";
import type { PolicyDeps } from "./validating-policies.ts";

export type MutatingPolicyDeps = PolicyDeps & { readonly schemas: Schemas };
type MutatingPolicies = PolicyIndex<MutatingAdmissionPolicy, MutatingPolicy>;

/** Kubernetes' MutatingAdmissionPolicy: policies change the object one after the other, each sees what those before it made.
 *  Where something changes it after a policy that wants to see it again, all plugins have a second turn. */
export function mutatingPolicies(deps: MutatingPolicyDeps, current: () => Promise<MutatingPolicies>): Plugin {
  return {
    mutate: async (attributes) => {
      const index = await current();
      const asked = askedRequest(attributes);
      if (index.isEmpty || attributes.object === undefined || isExempt(asked)) return;
      await new Turn(deps, attributes, asked, attributes.object).take(index);
    },
  };
}

interface Denial {
  readonly policy: MutatingPolicy;
  readonly binding?: Binding | undefined;
  readonly message: string;
  readonly reason?: string;
}

/** What is kept between the first turn and the second. */
interface Memory {
  /** The object as the last policy of the turn left it. */
  left: unknown;
  /** Asked, and to be asked again if anything changes later. */
  readonly asked: Set<string>;
  readonly again: Set<string>;
}

class Turn {
  readonly #deps: MutatingPolicyDeps;
  readonly #attributes: Mutable;
  readonly #asked: AskedRequest;
  readonly #object: KubeObject;
  readonly #answers: Answers;
  readonly #rounds: Rounds;
  readonly #memory: Memory;
  readonly #denials: Denial[] = [];

  constructor(deps: MutatingPolicyDeps, attributes: Mutable, asked: AskedRequest, object: KubeObject) {
    this.#deps = deps;
    this.#attributes = attributes;
    this.#asked = asked;
    this.#object = object;
    this.#answers = new Answers(deps.authorizer);
    this.#rounds = attributes.rounds ?? new Rounds();
    this.#memory = this.#rounds.noteOf(mutatingPolicies, () => ({
      left: undefined,
      asked: new Set<string>(),
      again: new Set<string>(),
    }));
  }

  async take(index: MutatingPolicies): Promise<void> {
    if (this.#rounds.isSecond && !sameJson(this.#memory.left, this.#object)) this.#askAgain();
    for (const one of await invocationsFor(this.#deps, index, this.#asked)) {
      if ("misfit" in one) this.#denials.push({ ...one, message: one.misfit });
      else await this.#invoke(one);
    }
    this.#memory.left = structuredClone(this.#object);
    if (this.#denials.length > 0) throw this.#refused();
  }

  #askAgain(): void {
    for (const key of this.#memory.asked) this.#memory.again.add(key);
    this.#memory.asked.clear();
    this.#rounds.wantsSecond = true;
  }

  async #invoke(invocation: Invocation<MutatingPolicy>): Promise<void> {
    const { policy, binding } = invocation;
    const named = await this.#variables(invocation);
    const { failurePolicy } = policy;
    const conditions = { answers: this.#answers, failurePolicy };
    const verdict = await conditionsMatch(
      policy.conditions,
      new Map(named).set("namespaceObject", null),
      conditions,
    );
    if ("error" in verdict) this.#deny({ policy, binding, message: verdict.error, reason: "Invalid" });
    const key = keyOf(invocation);
    const isDone = this.#rounds.isSecond && !this.#memory.again.has(key);
    if ("error" in verdict || !verdict.matches || isDone) return;
    const before = structuredClone(this.#object);
    for (const mutation of policy.mutations) {
      const variables = await this.#variables(invocation);
      const evaluation = new Evaluation(variables, policy.variables, this.#answers);
      try {
        const form = await preparedForm(invocation.form, this.#asked);
        const about = { object: this.#object, form, evaluation };
        this.#replace(await mutated(this.#deps.schemas, mutation, about));
      } catch (error) {
        if (!(error instanceof MutationFault)) throw error;
        this.#deny({ policy, binding, message: error.message, reason: "Invalid" });
      }
    }
    if (!sameJson(before, this.#object)) this.#askAgain();
    if (policy.isReinvoked) this.#memory.asked.add(key);
  }

  /** As the object is now. */
  async #variables({ form, params }: Invocation<MutatingPolicy>) {
    const named = await variablesIn(this.#deps, this.#asked, form, this.#answers);
    return named.set("params", params === undefined ? null : untypedValue(params));
  }

  /** In place: others hold it. */
  #replace(next: KubeObject): void {
    if (next === this.#object) return;
    for (const field of Object.keys(this.#object)) Reflect.deleteProperty(this.#object, field);
    Object.assign(this.#object, next);
    this.#attributes.kind.applyDefaults(this.#object);
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
