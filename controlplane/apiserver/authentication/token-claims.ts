import type { JsonObject } from "../json.ts";
import { AuthenticationError } from "./authenticator.ts";

/** Clocks differ: this much earlier or later is still in time. */
export const leewaySeconds = 60;

/** What every token says of itself (RFC 7519). */
export interface RegisteredClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly id: string;
  readonly expiresSeconds: number | undefined;
  readonly notBeforeSeconds: number | undefined;
  readonly issuedSeconds: number | undefined;
}

/** `undefined` where a claim has a type that it cannot have. Pure. */
export function registeredClaims(claims: JsonObject): RegisteredClaims | undefined {
  const { iss = "", sub = "", aud = [], jti = "", exp, nbf, iat } = claims;
  const audiences = typeof aud === "string" ? [aud] : aud;
  const isTime = (value: unknown): value is number | undefined =>
    value === undefined || (typeof value === "number" && Number.isFinite(value));
  if (typeof iss !== "string" || typeof sub !== "string" || typeof jti !== "string") return undefined;
  if (!Array.isArray(audiences) || !audiences.every((one) => typeof one === "string")) return undefined;
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat)) return undefined;
  return {
    issuer: iss,
    subject: sub,
    audiences,
    id: jti,
    expiresSeconds: exp,
    notBeforeSeconds: nbf,
    issuedSeconds: iat,
  };
}

/** Fails for a token that is not of now. Pure. */
export function requireInTime(claims: RegisteredClaims, nowMs: number): void {
  const now = nowMs / 1000;
  const { notBeforeSeconds = 0, issuedSeconds = 0 } = claims;
  if (now + leewaySeconds < notBeforeSeconds)
    throw new AuthenticationError("service account token is not valid yet");
  if (hasExpired(claims, nowMs)) throw new AuthenticationError("service account token has expired");
  if (now + leewaySeconds < issuedSeconds)
    throw new AuthenticationError("service account token is issued in the future");
}

export function hasExpired(
  { expiresSeconds = Number.POSITIVE_INFINITY }: RegisteredClaims,
  nowMs: number,
): boolean {
  return nowMs / 1000 - leewaySeconds > expiresSeconds;
}
