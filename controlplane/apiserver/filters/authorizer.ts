import type { User } from "./authentication.ts";
import type { Attributes } from "./authorization.ts";

/** May this user do this? Whoever does not allow says nothing against it: another may. */
export type Authorizer = (user: User, wanted: Attributes) => Promise<Decision>;

export interface Decision {
  readonly allowed: boolean;
  /** Why not, where there is more to say than that no rule allows it. */
  readonly reason?: string;
}

/** Allows what any of them allows, asked in order. */
export function anyOf(...authorizers: readonly Authorizer[]): Authorizer {
  return async (user, wanted) => {
    const reasons: string[] = [];
    for (const authorizer of authorizers) {
      const { allowed, reason } = await authorizer(user, wanted);
      if (allowed) return { allowed };
      if (reason !== undefined) reasons.push(reason);
    }
    return reasons.length === 0 ? { allowed: false } : { allowed: false, reason: reasons.join("\n") };
  };
}
