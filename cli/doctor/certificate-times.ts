import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RestConfig } from "../../client/kubeconfig.ts";

export interface CertificateTime {
  readonly of: string;
  readonly notAfterMs: number;
}

const filesMax = 200;

/** Until when the certificates of a kubeconfig hold. */
export function certificatesOfConfig({ caPem, certificatePem }: RestConfig): readonly CertificateTime[] {
  return [
    ...timesIn(caPem, "the kubeconfig's authority"),
    ...timesIn(certificatePem, "the kubeconfig's own"),
  ];
}

/** Of a folder's certificates; none where there is no such folder. */
export function certificatesInFolder(folder: string): readonly CertificateTime[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => /\.(crt|pem|cert)$/.test(name));
  } catch (error) {
    if (error instanceof Error && "code" in error) return []; // none, or none that we may see
    throw error;
  }
  return names
    .slice(0, filesMax)
    .flatMap((name) => timesIn(readFileSync(join(folder, name), "latin1"), name));
}

function timesIn(pem: string | undefined, of: string): readonly CertificateTime[] {
  if (!pem?.includes("-----BEGIN CERTIFICATE-----")) return [];
  try {
    return [{ of, notAfterMs: Date.parse(new X509Certificate(pem).validTo) }];
  } catch (error) {
    return [
      { of: `${of} (${error instanceof Error ? error.message : String(error)})`, notAfterMs: Number.NaN },
    ];
  }
}
