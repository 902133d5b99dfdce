import { createSecureContext } from "node:tls";
import type { Secret } from "../types.ts";

export interface CertificatePem {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** The certificate in a secret (`kubernetes.io/tls`), or what is wrong with it. Controllers say so, and agents show it. Pure. */
export function certificateIn(
  secret: Pick<Secret, "data"> | undefined,
  name: string,
): { readonly pem: CertificatePem } | { readonly problem: string } {
  if (secret === undefined) return { problem: `secret "${name}": there is none of this name` };
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? "", "base64").toString("utf8");
  const pem = { certificatePem: text("tls.crt"), keyPem: text("tls.key") };
  if (pem.certificatePem === "" || pem.keyPem === "")
    return { problem: `secret "${name}": has no tls.crt and tls.key` };
  try {
    createSecureContext({ cert: pem.certificatePem, key: pem.keyPem });
  } catch (error) {
    return { problem: `secret "${name}": is no certificate with its key: ${(error as Error).message}` };
  }
  return { pem };
}
