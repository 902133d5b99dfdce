import { X509Certificate } from "node:crypto";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";

/** Said about a certificate that clients of the host will not take. */
export function misfit({ certificatePem }: CertificatePem, host: string, nowMs: number): string | undefined {
  const certificate = new X509Certificate(certificatePem);
  if (Date.parse(certificate.validTo) < nowMs) return `expired at ${certificate.validTo}`;
  const shown = host.startsWith("*.") ? host.replace("*", "any") : host;
  return shown === "" || certificate.checkHost(shown) !== undefined
    ? undefined
    : `is not for the host ${host}`;
}

/** An Ingress's wish that a host be shown the certificate of a secret. */
export interface CertificateClaim {
  readonly owner: string;
  readonly rank: string;
  readonly host: string;
  /** `namespace/name`. */
  readonly secret: string;
}

/** Claims by host; of several with a certificate the oldest Ingress's counts. */
export class CertificateClaims {
  readonly #byHost = new Map<string, CertificateClaim[]>();
  readonly #byOwner = new Map<string, readonly CertificateClaim[]>();

  /** Replaces what this owner claims. @returns The hosts that may be shown another certificate now. */
  set(owner: string, claims: readonly CertificateClaim[]): ReadonlySet<string> {
    const before = this.#byOwner.get(owner) ?? [];
    for (const { host } of before) {
      const left = (this.#byHost.get(host) ?? []).filter((one) => one.owner !== owner);
      if (left.length === 0) this.#byHost.delete(host);
      else this.#byHost.set(host, left);
    }
    if (claims.length === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, claims);
    for (const claim of claims) {
      const all = [...(this.#byHost.get(claim.host) ?? []), claim];
      this.#byHost.set(
        claim.host,
        all.sort((a, b) => (a.rank < b.rank ? -1 : 1)),
      );
    }
    return new Set([...before, ...claims].map(({ host }) => host));
  }

  of(owner: string): readonly CertificateClaim[] {
    return this.#byOwner.get(owner) ?? [];
  }

  /** The oldest first. */
  for(host: string): readonly CertificateClaim[] {
    return this.#byHost.get(host) ?? [];
  }
}
