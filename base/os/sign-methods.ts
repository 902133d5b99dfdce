import {
  constants,
  createHmac,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";

/** The ways of signing of JSON Web Signatures (RFC 7518, RFC 8037). */
interface SignMethod {
  /** Undefined where the way has its own. */
  readonly hash: string | undefined;
  readonly family: "hmac" | "rsa" | "ec" | "ed25519";
  readonly isPss?: true;
  /** OpenSSL's name of it. */
  readonly curve?: string;
}

export const signMethods = {
  HS256: { family: "hmac", hash: "sha256" },
  HS384: { family: "hmac", hash: "sha384" },
  HS512: { family: "hmac", hash: "sha512" },
  RS256: { family: "rsa", hash: "sha256" },
  RS384: { family: "rsa", hash: "sha384" },
  RS512: { family: "rsa", hash: "sha512" },
  PS256: { family: "rsa", hash: "sha256", isPss: true },
  PS384: { family: "rsa", hash: "sha384", isPss: true },
  PS512: { family: "rsa", hash: "sha512", isPss: true },
  ES256: { family: "ec", hash: "sha256", curve: "prime256v1" },
  ES384: { family: "ec", hash: "sha384", curve: "secp384r1" },
  ES512: { family: "ec", hash: "sha512", curve: "secp521r1" },
  EdDSA: { family: "ed25519", hash: undefined },
} as const satisfies Readonly<Record<string, SignMethod>>;
export type SignMethodName = keyof typeof signMethods;

export const isSignMethod = (name: string): name is SignMethodName => Object.hasOwn(signMethods, name);

/** Whether a key of a pair is made for it. */
export function fitsMethod(name: SignMethodName, key: KeyObject): boolean {
  const { family, curve }: SignMethod = signMethods[name];
  if (key.asymmetricKeyType !== family) return false;
  return curve === undefined || key.asymmetricKeyDetails?.namedCurve === curve;
}

export function signatureOf(name: SignMethodName, data: Uint8Array, key: KeyObject): Buffer {
  const method: SignMethod = signMethods[name];
  if (method.family === "hmac")
    return createHmac(method.hash ?? "", key)
      .update(data)
      .digest();
  return sign(method.hash, data, keyInput(method, key, constants.RSA_PSS_SALTLEN_DIGEST));
}

export function isSignatureOf(
  name: SignMethodName,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  const method: SignMethod = signMethods[name];
  if (method.family === "hmac") {
    const own = signatureOf(name, data, key);
    return own.length === signature.length && timingSafeEqual(own, signature);
  }
  const input = keyInput(method, key, constants.RSA_PSS_SALTLEN_AUTO);
  return verify(method.hash, data, input, signature);
}

function keyInput({ family, isPss }: SignMethod, key: KeyObject, saltLength: number): SignKeyObjectInput {
  if (family === "ec") return { key, dsaEncoding: "ieee-p1363" };
  return isPss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : { key };
}
