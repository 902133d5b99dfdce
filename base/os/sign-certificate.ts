import "reflect-metadata";
import { createPrivateKey, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { CertificateRequestInfo } from "./certificate-request.ts";
import { authorityKeyId, type Certificate, newSerial } from "./pki.ts";

/** Who signs: an authority's certificate with its key, EC or RSA. */
export interface SigningAuthority {
  readonly notAfterMs: number;
  sign(request: CertificateRequestInfo, terms: SigningTerms): Promise<string>;
}

export interface SigningTerms {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly keyUsages: readonly KeyUsage[];
  readonly extendedKeyUsages: readonly string[];
}
export type KeyUsage = keyof typeof x509.KeyUsageFlags;

type Algorithm = Parameters<typeof webcrypto.subtle.importKey>[2] & { readonly hash: string };

/** Throws where certificate or key cannot be read. */
export async function signingAuthority({
  certificatePem,
  privateKeyPem,
}: Certificate): Promise<SigningAuthority> {
  const issuer = new x509.X509Certificate(certificatePem);
  const key = createPrivateKey(privateKeyPem);
  const algorithm = algorithmOf(key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve);
  const bytes = key.export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]);
  const keyId = authorityKeyId(issuer);
  return {
    notAfterMs: issuer.notAfter.getTime(),
    async sign(request, { notBeforeMs, notAfterMs, keyUsages, extendedKeyUsages }) {
      const asked = new x509.Pkcs10CertificateRequest(request.raw);
      const names = alternativeNames(request);
      const flags = keyUsages.reduce((all, usage) => all | x509.KeyUsageFlags[usage], 0);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: newSerial(),
        subject: asked.subjectName,
        issuer: issuer.subjectName,
        notBefore: new Date(notBeforeMs),
        notAfter: new Date(notAfterMs),
        signingAlgorithm: algorithm,
        publicKey: asked.publicKey,
        signingKey,
        extensions: [
          ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
          ...(extendedKeyUsages.length === 0
            ? []
            : [new x509.ExtendedKeyUsageExtension([...extendedKeyUsages])]),
          new x509.BasicConstraintsExtension(false, undefined, true),
          ...keyId,
          // It is all there is to say who it is where there is no subject.
          ...(names.length === 0
            ? []
            : [new x509.SubjectAlternativeNameExtension(names, asked.subjectName.toJSON().length === 0)]),
        ],
      });
      return `${certificate.toString("pem").trimEnd()}\n`;
    },
  };
}

const curves: Readonly<Record<string, readonly [name: string, hash: string]>> = {
  prime256v1: ["P-256", "SHA-256"],
  secp384r1: ["P-384", "SHA-384"],
  secp521r1: ["P-521", "SHA-512"],
};

function algorithmOf(type: string | undefined, curve = ""): Algorithm {
  const [namedCurve, hash] = curves[curve] ?? [];
  if (type === "ec" && namedCurve !== undefined && hash !== undefined)
    return { name: "ECDSA", namedCurve, hash };
  if (type === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  throw new Error(`a key of type ${[type ?? "unknown", curve].join(" ").trim()} signs no certificates`);
}

function alternativeNames(request: CertificateRequestInfo): x509.JsonGeneralNames {
  return [
    ...request.dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...request.emails.map((value) => ({ type: "email" as const, value })),
    ...request.addresses.map((bytes) => ({ type: "ip" as const, value: addressText(bytes) })),
    ...request.uris.map((value) => ({ type: "url" as const, value })),
  ];
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: bytes.length / 2 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return groups.join(":");
}
