import type { KeyObject } from "node:crypto";
import { fitsMethod, isSignatureOf, type SignMethodName, signatureOf } from "./sign-methods.ts";

type JsonObject = { [field: string]: unknown };

/** JSON Web Signatures in their compact form (RFC 7515), as Kubernetes takes them: made with a private key. There is no way to ask
 *  for "none" or for a shared secret: they are not among these. */
export const signatureAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
] as const satisfies readonly SignMethodName[];

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return (signatureAlgorithms as readonly unknown[]).includes(name);
}

/** A token taken apart; nothing of it is proved. */
export interface Jws {
  /** As the token says it, whatever it is. */
  readonly algorithm: unknown;
  readonly keyId: string;
  readonly claims: JsonObject;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** `undefined` for what is no token of this form, or wants something understood that is not. Pure. */
export function parseJws(token: string): Jws | undefined {
  const parts = token.split(".");
  const [head = "", body = "", tail = ""] = parts;
  if (parts.length !== 3 || ![head, body, tail].every(isBase64Url)) return undefined;
  const header = jsonIn(head);
  const claims = jsonIn(body);
  if (header === undefined || claims === undefined) return undefined;
  if (header.crit !== undefined || header.b64 !== undefined) return undefined;
  return {
    algorithm: header.alg,
    keyId: typeof header.kid === "string" ? header.kid : "",
    claims,
    signed: Buffer.from(`${head}.${body}`),
    signature: Buffer.from(tail, "base64url"),
  };
}

/** Did the holder of this key sign it, by one of the allowed algorithms and one that is made for such a key? */
export function isSignedBy(
  { algorithm, signed, signature }: Jws,
  key: KeyObject,
  allowed: readonly SignatureAlgorithm[],
): boolean {
  if (!isSignatureAlgorithm(algorithm) || !allowed.includes(algorithm)) return false;
  return fitsMethod(algorithm, key) && isSignatureOf(algorithm, signed, key, signature);
}

/** The algorithm that Kubernetes signs with such a key by; `undefined` for a key that it does not take. */
export function algorithmOf(key: KeyObject): SignatureAlgorithm | undefined {
  return (["RS256", "ES256", "ES384", "ES512"] as const).find((one) => fitsMethod(one, key));
}

/** A token with these claims, that names its key. */
export function signJws(
  claims: JsonObject,
  { keyId, ...by }: { key: KeyObject; keyId: string; algorithm: SignatureAlgorithm },
): string {
  return signedJws({ kid: keyId }, claims, by);
}

/** A token with these claims, and with more in its header than how it is signed. */
export function signedJws(
  header: JsonObject,
  claims: JsonObject,
  { key, algorithm }: { readonly key: KeyObject; readonly algorithm: SignMethodName },
): string {
  const text = [{ alg: algorithm, ...header }, claims].map(encoded).join(".");
  return `${text}.${signatureOf(algorithm, Buffer.from(text), key).toString("base64url")}`;
}

const encoded = (value: JsonObject) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Node's decoder takes anything; Go's, and so Kubernetes, takes only this. */
const isBase64Url = (text: string) => /^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1;

function jsonIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
