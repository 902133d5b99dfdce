import type { IncomingHttpHeaders } from "node:http";
import type { User } from "../filters/authentication.ts";
import type { ShownCertificate } from "./shown-certificate.ts";

/** What a request says and shows of who sends it. */
export interface Evidence {
  readonly headers: IncomingHttpHeaders;
  /** Header names and values by turns, repeated ones one by one. */
  readonly rawHeaders: readonly string[];
  readonly certificate: ShownCertificate | undefined;
  /** Whom a token must be meant for; `undefined` where this server has no name of its own. */
  readonly audiences: Audiences | undefined;
  warn(text: string): void;
}

export type Audiences = readonly string[];

export interface Authenticated {
  readonly user: User;
  /** Those of the wanted audiences that the credential is good for; none where the credential says nothing of them. */
  readonly audiences: Audiences;
  /** Would a new look at the credential find the same, at this time of day (Unix ms)? Asked before what was found is used again;
   *  absent where nothing can have changed that this server would know of. */
  readonly holdsAt?: (wallMs: number) => boolean;
}

/** Who sends this? `undefined`: nothing here that I know. Fails with AuthenticationError for a credential that is mine to
 *  judge and does not hold; another may still know the sender by something else. */
export type Authenticator = (evidence: Evidence) => Promise<Authenticated | undefined>;

/** Why a credential does not hold, said as a value where that is nothing out of the ordinary: few certificates are a front
 *  proxy's. Else as an AuthenticationError, which means the same. */
export interface Refusal {
  readonly refusal: string;
}

/** An authenticator that expects to be shown what is not its own. */
export type CertificateAuthenticator = (evidence: Evidence) => Promise<Authenticated | Refusal | undefined>;

/** The same for a bearer token. */
export type TokenAuthenticator = (
  token: string,
  audiences: Audiences | undefined,
) => Promise<Authenticated | undefined>;

/** A credential that does not hold, and why: for logs and for TokenReview, never for the sender. */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
  readonly causes: readonly string[];

  constructor(...causes: readonly string[]) {
    const texts = [...new Set(causes)];
    super(texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`);
    this.causes = texts;
  }
}

/** The first that knows the sender decides. What the others refused counts only where nobody does. */
export function firstOf<Arguments extends readonly unknown[]>(
  authenticators: readonly ((...asked: Arguments) => Promise<Authenticated | Refusal | undefined>)[],
): (...asked: Arguments) => Promise<Authenticated | undefined> {
  return async (...asked) => {
    const refusals: string[] = [];
    for (const authenticate of authenticators) {
      try {
        const found = await authenticate(...asked);
        if (found === undefined) continue;
        if (!("refusal" in found)) return found;
        refusals.push(found.refusal);
      } catch (error) {
        if (!(error instanceof AuthenticationError)) throw error;
        refusals.push(...error.causes);
      }
    }
    if (refusals.length > 0) throw new AuthenticationError(...refusals);
    return undefined;
  };
}

/** For what knows nothing of audiences: it is good for this server's own, and for no other. */
export function forServerOnly(own: Audiences, authenticate: TokenAuthenticator): TokenAuthenticator {
  return async (token, wanted) => {
    const audiences = intersection(own, wanted ?? own);
    if (audiences.length === 0 && wanted !== undefined) return undefined;
    const found = await authenticate(token, wanted);
    return found && { ...found, audiences };
  };
}

/** Those of `audiences` that are wanted too, in their order. */
export function intersection(audiences: Audiences, wanted: Audiences): Audiences {
  return audiences.filter((one) => wanted.includes(one));
}

/** Everybody that is known is in the group of all who are. */
export function withAuthenticatedGroup(authenticate: Authenticator): Authenticator {
  return async (evidence) => {
    const found = await authenticate(evidence);
    if (found === undefined || found.user.name === "system:anonymous") return found;
    const { groups } = found.user;
    if (groups.includes("system:authenticated") || groups.includes("system:unauthenticated")) return found;
    return { ...found, user: { ...found.user, groups: [...groups, "system:authenticated"] } };
  };
}
