import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { algorithmOf, type SignatureAlgorithm } from "./jws.ts";

/** A key that service accounts' tokens are checked with. */
export interface VerifyingKey {
  readonly keyId: string;
  readonly algorithm: SignatureAlgorithm;
  readonly key: KeyObject;
}

/** One that they are signed with. */
export type SigningKey = VerifyingKey;

/** All keys in a PEM text, public ones, private ones and those of certificates. Throws an Error that says what is wrong. */
export function verifyingKeys(pem: string): readonly VerifyingKey[] {
  const blocks = pem.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g) ?? [];
  const keys = blocks.filter((block) => !block.includes(" PARAMETERS-----")).map(publicKeyIn);
  if (keys.length === 0) throw new Error("it holds no key, PEM");
  return keys.map((key) => described(key, key));
}

export function signingKey(pem: string): SigningKey {
  const key = createPrivateKey(pem);
  return described(key, createPublicKey(pem));
}

function publicKeyIn(block: string): KeyObject {
  return block.includes(" CERTIFICATE-----") ? new X509Certificate(block).publicKey : createPublicKey(block);
}

function described(key: KeyObject, publicKey: KeyObject): VerifyingKey {
  const algorithm = algorithmOf(publicKey);
  if (algorithm === undefined)
    throw new Error(
      `a key of type ${publicKey.asymmetricKeyType} is neither RSA nor ECDSA of P-256, P-384 or P-521`,
    );
  return { key, algorithm, keyId: keyIdOf(publicKey) };
}

/** Kubernetes' name for a key: what it is, hashed, so that several servers name it alike. */
function keyIdOf(publicKey: KeyObject): string {
  const der = publicKey.export({ format: "der", type: "spki" });
  return createHash("sha256").update(der).digest("base64url");
}
