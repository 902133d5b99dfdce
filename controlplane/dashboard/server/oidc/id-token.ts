import { isSignatureAlgorithm, parseJws } from "../../../../base/os/jws.ts";

/** What the dashboard has to know of an ID token. Who the person is, the API server reads from it. */
export interface IdToken {
  readonly text: string;
  readonly subject: string;
  readonly expiresMs: number;
}

export interface IdTokenWanted {
  readonly issuer: string;
  readonly clientId: string;
  /** Absent: it was not asked for with one, as when it is renewed. */
  readonly nonce?: string;
  /** Of the token that it renews. */
  readonly subject?: string;
}

const textMost = 16_384;
/** How far the provider's clock may be ahead. */
const leewayMs = 300_000;

/** An ID token, after all that OpenID Connect Core 3.1.3.7 has a client look at. It came from the provider over TLS, so that its
 *  signature is the API server's to check, which does so before anybody is let in. Throws an Error that says why not. Pure. */
export function readIdToken(text: unknown, wanted: IdTokenWanted, nowMs: number): IdToken {
  if (typeof text !== "string" || text.length > textMost || !/^[\x21-\x7e]+$/.test(text))
    throw new Error("the provider's answer has no ID token");
  const jws = parseJws(text);
  if (jws === undefined) throw new Error("the provider's ID token is no signed token");
  const { claims, algorithm } = jws;
  if (!isSignatureAlgorithm(algorithm))
    throw new Error(
      `the provider's ID token is signed with ${JSON.stringify(algorithm)}, which is not taken`,
    );
  if (claims.iss !== wanted.issuer)
    throw new Error(`the ID token is one of ${JSON.stringify(claims.iss)}, not of ${wanted.issuer}`);
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (!audiences.includes(wanted.clientId))
    throw new Error(`the ID token is meant for ${JSON.stringify(claims.aud)}, not for ${wanted.clientId}`);
  if (claims.azp !== undefined && claims.azp !== wanted.clientId)
    throw new Error(`the ID token was given to ${JSON.stringify(claims.azp)}, not to ${wanted.clientId}`);
  if (wanted.nonce !== undefined && claims.nonce !== wanted.nonce)
    throw new Error("the ID token is not of this sign-in: its nonce is another");
  if (typeof claims.sub !== "string" || claims.sub === "")
    throw new Error("the ID token says of nobody who it is");
  if (wanted.subject !== undefined && claims.sub !== wanted.subject)
    throw new Error("the renewed ID token is somebody else's");
  if (typeof claims.exp !== "number" || !(claims.exp * 1000 > nowMs))
    throw new Error("the ID token has expired");
  if (typeof claims.iat !== "number" || claims.iat * 1000 > nowMs + leewayMs)
    throw new Error("the ID token says not, or wrongly, when it was made");
  return { text, subject: claims.sub, expiresMs: claims.exp * 1000 };
}
