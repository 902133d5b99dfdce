import { type KeyObject, sign } from "node:crypto";
import {
  type CertificateBody,
  certificateBody,
  type RequestBody,
  requestBody,
  signedBytes,
} from "../certificate-parts.ts";
import { derNull, derOidOf, derSequence } from "../der-writer.ts";

/** Signs certificates, and requests for them, with a private key. */
export interface Signer {
  certificate(body: CertificateBody): Uint8Array;
  request(body: RequestBody): Uint8Array;
}

const curves: Readonly<Record<string, readonly [hash: string, algorithm: string]>> = {
  prime256v1: ["sha256", "1.2.840.10045.4.3.2"],
  secp384r1: ["sha384", "1.2.840.10045.4.3.3"],
  secp521r1: ["sha512", "1.2.840.10045.4.3.4"],
};
const rsaWithSha256 = "1.2.840.113549.1.1.11";

/** Throws where the key is neither RSA nor of one of the curves that certificates have. */
export function signerWith(key: KeyObject): Signer {
  const [hash, algorithm] = methodOf(key);
  const signed = (body: Uint8Array) => signedBytes(body, algorithm, sign(hash, body, key));
  return {
    certificate: (body) => signed(certificateBody(body, algorithm)),
    request: (body) => signed(requestBody(body)),
  };
}

function methodOf(key: KeyObject): readonly [hash: string, algorithm: Uint8Array] {
  const type = key.asymmetricKeyType;
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
  const [hash, oid] = curves[curve] ?? [];
  if (type === "ec" && hash !== undefined && oid !== undefined) return [hash, derSequence(derOidOf(oid))];
  if (type === "rsa") return ["sha256", derSequence(derOidOf(rsaWithSha256), derNull)];
  throw new Error(`a key of type ${[type ?? "unknown", curve].join(" ").trim()} signs no certificates`);
}
