import { constants, type KeyObject, type SignKeyObjectInput, sign, verify } from "node:crypto";

type JsonObject = { [field: string]: unknown };

/** JSON Web Signatures in their compact form (RFC 7515), as far as they are made with a private key. There is no way to ask
 *  for "none" or for a shared secret: no table has them. */
export const signatureAlgorithms = {
  RS256: { type: "rsa", hash: "sha256" },
  RS384: { type: "rsa", hash: "sha384" },
  RS512: { type: "rsa", hash: "sha512" },
  PS256: { type: "rsa", hash: "sha256", padded: true },
  PS384: { type: "rsa", hash: "sha384", padded: true },
  PS512: { type: "rsa", hash: "sha512", padded: true },
  ES256: { type: "ec", hash: "sha256", curve: "prime256v1" },
  ES384: { type: "ec", hash: "sha384", curve: "secp384r1" },
  ES512: { type: "ec", hash: "sha512", curve: "secp521r1" },
} as const satisfies Readonly<Record<string, AlgorithmRow>>;

interface AlgorithmRow {
  readonly type: "rsa" | "ec";
  readonly hash: string;
  readonly curve?: string;
  /** RSASSA-PSS in place of PKCS #1 v1.5. */
  readonly padded?: true;
}

export type SignatureAlgorithm = keyof typeof signatureAlgorithms;

export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return typeof name === "string" && Object.hasOwn(signatureAlgorithms, name);
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
  const row: AlgorithmRow = signatureAlgorithms[algorithm];
  if (!fits(row, key)) return false;
  return verify(row.hash, signed, withParameters(row, key), signature);
}

/** The algorithm that Kubernetes signs with such a key by; `undefined` for a key that it does not take. */
export function algorithmOf(key: KeyObject): SignatureAlgorithm | undefined {
  return (["RS256", "ES256", "ES384", "ES512"] as const).find((one) => fits(signatureAlgorithms[one], key));
}

/** A token with these claims. */
export function signJws(
  claims: JsonObject,
  { key, keyId, algorithm }: { key: KeyObject; keyId: string; algorithm: SignatureAlgorithm },
): string {
  const row: AlgorithmRow = signatureAlgorithms[algorithm];
  const text = [{ alg: algorithm, kid: keyId }, claims].map(encoded).join(".");
  const signature = sign(row.hash, Buffer.from(text), withParameters(row, key));
  return `${text}.${signature.toString("base64url")}`;
}

function fits({ type, curve }: AlgorithmRow, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== type) return false;
  return curve === undefined || key.asymmetricKeyDetails?.namedCurve === curve;
}

function withParameters({ type, padded }: AlgorithmRow, key: KeyObject): SignKeyObjectInput {
  if (type === "ec") return { key, dsaEncoding: "ieee-p1363" };
  if (padded !== true) return { key };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
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
