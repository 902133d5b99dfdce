import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import {
  type AlternativeName,
  alternativeNames,
  basicConstraints,
  extendedKeyUsage,
  isEmptyName,
  issuerNames,
  type KeyUsage,
  keyUsage,
  requestedSubject,
} from "../certificate-parts.ts";
import { certificatePem as pemOf } from "../pem.ts";
import type { CertificateRequestInfo } from "./certificate-request.ts";
import { type Certificate, issuerKeyId, newSerial, publicBytes } from "./pki.ts";
import { signerWith } from "./sign-bytes.ts";

/** Who signs: an authority's certificate with its key, EC or RSA. */
export interface SigningAuthority {
  readonly notAfterMs: number;
  /** PEM. Throws where the request's key or name cannot be read. */
  sign(request: CertificateRequestInfo, terms: SigningTerms): string;
}

export interface SigningTerms {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly keyUsages: readonly KeyUsage[];
  /** Object identifiers. */
  readonly extendedKeyUsages: readonly string[];
}

/** Throws where certificate or key cannot be read. */
export function signingAuthority({ certificatePem, privateKeyPem }: Certificate): SigningAuthority {
  const certificate = new X509Certificate(certificatePem);
  const issuer = issuerNames(certificate.raw);
  const signer = signerWith(createPrivateKey(privateKeyPem));
  return {
    notAfterMs: Date.parse(certificate.validTo),
    sign(request, { notBeforeMs, notAfterMs, keyUsages, extendedKeyUsages }) {
      const names = alternativesOf(request);
      const subject = requestedSubject(request.raw);
      const key = createPublicKey({ key: Buffer.from(request.publicKeyInfo), format: "der", type: "spki" });
      const bytes = signer.certificate({
        serial: newSerial(),
        issuer: issuer.subject,
        subject,
        notBeforeMs,
        notAfterMs,
        publicKey: publicBytes(key),
        extensions: [
          ...(keyUsages.length === 0 ? [] : [keyUsage(keyUsages)]),
          ...(extendedKeyUsages.length === 0 ? [] : [extendedKeyUsage(extendedKeyUsages)]),
          basicConstraints(false),
          ...issuerKeyId(issuer.keyId),
          ...(names.length === 0 ? [] : [alternativeNames(names, isEmptyName(subject))]),
        ],
      });
      return pemOf(bytes);
    },
  };
}

function alternativesOf(request: CertificateRequestInfo): readonly AlternativeName[] {
  const texts = (type: AlternativeName["type"], values: readonly string[]) =>
    values.map((value) => ({ type, bytes: Buffer.from(value, "latin1") }));
  return [
    ...texts("dns", request.dnsNames),
    ...texts("email", request.emails),
    ...request.addresses.map((bytes) => ({ type: "ip" as const, bytes })),
    ...texts("uri", request.uris),
  ];
}
