import { certificatesIn } from "../../../../client/why/certificates.ts";
import type { KubeObject } from "../api/object-feed.ts";

/** A certificate that the cluster signed, as its request has it. */
export interface SignedCertificate {
  readonly request: string;
  readonly signer: string;
  readonly holder: string;
  readonly endsMs: number;
}

const daysNear = 30;

/** Certificates that end soon or have ended, the newest of each holder and signer: older ones were replaced. Pure. */
export function endingCertificates(
  requests: Iterable<KubeObject>,
  nowMs: number,
): readonly SignedCertificate[] {
  const newest = new Map<string, SignedCertificate>();
  for (const { metadata, spec, status } of requests) {
    const { signerName = "", username = "" } = (spec ?? {}) as { signerName?: string; username?: string };
    const endsMs = endOf(status?.certificate);
    if (endsMs === undefined) continue;
    const key = `${signerName} ${username}`;
    if ((newest.get(key)?.endsMs ?? 0) < endsMs)
      newest.set(key, { request: metadata.name, signer: signerName, holder: username, endsMs });
  }
  const nearMs = nowMs + daysNear * 24 * 3600 * 1000;
  return [...newest.values()].filter(({ endsMs }) => endsMs < nearMs).sort((a, b) => a.endsMs - b.endsMs);
}

function endOf(certificate: unknown): number | undefined {
  if (typeof certificate !== "string" || certificate === "") return undefined;
  try {
    return certificatesIn(certificate)[0]?.notAfterMs;
  } catch {
    // Whatever stands there is no certificate.
    return undefined;
  }
}
