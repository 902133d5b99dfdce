import { anonymous } from "../filters/authentication.ts";
import type { Authenticator } from "./authenticator.ts";

/** Whoever shows nothing is nobody in particular. A credential that does not hold makes nobody anonymous: that one fails. */
export function orAnonymous(authenticate: Authenticator): Authenticator {
  return async (evidence) =>
    (await authenticate(evidence)) ?? { user: anonymous, audiences: evidence.audiences ?? [] };
}
