import type { PolicyRule } from "../../../client/types.ts";
import type { User } from "./authentication.ts";
import type { Attributes } from "./authorization.ts";

/** May this user do this? Whoever does not allow says nothing against it: another may. */
export type Authorizer = (user: User, wanted: Attributes) => Promise<Decision>;

export interface Decision {
  readonly allowed: boolean;
  /** Why, where there is more to say than that a superuser asks or that no rule allows it. */
  readonly reason?: string;
}

/** What somebody may do in a namespace, as far as it can be listed. */
export type RuleResolver = (user: User, namespace: string) => Promise<KnownRules>;

export interface KnownRules {
  readonly rules: readonly PolicyRule[];
  /** More may be allowed than the rules say. */
  readonly incomplete: boolean;
  /** What kept rules from being known. */
  readonly problems: readonly string[];
}

/** Allows what any of them allows, asked in order. */
export function anyOf(...authorizers: readonly Authorizer[]): Authorizer {
  return async (user, wanted) => {
    const reasons: string[] = [];
    for (const authorizer of authorizers) {
      const decision = await authorizer(user, wanted);
      if (decision.allowed) return decision;
      if (decision.reason !== undefined) reasons.push(decision.reason);
    }
    return reasons.length === 0 ? { allowed: false } : { allowed: false, reason: reasons.join("\n") };
  };
}

/** The rules that all of them know of. */
export function rulesOfAll(...resolvers: readonly RuleResolver[]): RuleResolver {
  return async (user, namespace) => {
    const known = await Promise.all(resolvers.map((rulesFor) => rulesFor(user, namespace)));
    return {
      rules: known.flatMap(({ rules }) => rules),
      incomplete: known.some(({ incomplete }) => incomplete),
      problems: known.flatMap(({ problems }) => problems),
    };
  };
}

export const superuserGroup = "system:masters";

/** Allows the superusers' group everything, whatever roles and bindings say: nobody can lock them out. */
export const superusers: Authorizer = async ({ groups }) => ({ allowed: groups.includes(superuserGroup) });
