import { createHash, X509Certificate } from "node:crypto";
import { readPem } from "../../base/pem.ts";

/** An authority as kubeadm's `--discovery-token-ca-cert-hash` names it: `sha256:` and the hash of its public key, in hex. It stays
 *  when the authority's certificate is made anew with the same key, and is no secret. Pure. */
export const isPublicKeyPin = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);

export function publicKeyPin(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

export interface PinnedCertificate {
  readonly pin: string;
  readonly pem: string;
}

/** The certificates in a bundle. Those that cannot be read are left out. */
export function pinnedCertificates(pem: string): readonly PinnedCertificate[] {
  return readPem(pem)
    .filter(({ type }) => type === "CERTIFICATE")
    .flatMap(({ bytes }) => {
      try {
        const certificate = new X509Certificate(bytes);
        return [{ pin: publicKeyPin(certificate), pem: certificate.toString() }];
      } catch {
        return []; // no certificate is no authority
      }
    });
}
