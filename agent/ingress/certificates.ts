import { createSecureContext, type SecureContext } from "node:tls";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";

/** Contexts that are kept made: each takes some hundred kilobytes outside the heap. */
const contextsKept = 1_000;

/** Certificates by the hosts they are shown for; made ready when a client first asks for one. */
export class Certificates {
  readonly #byHost = new Map<string, CertificatePem>();
  /** Least lately used first. */
  readonly #contexts = new Map<CertificatePem, SecureContext>();
  readonly #fallback: CertificatePem | undefined;
  readonly #textsFor: (host: string) => readonly string[];

  #onDefault: (pem: CertificatePem | undefined) => void = () => undefined;

  /** @param fallback Shown where no other is for a host; undefined: nothing is, and handshakes fail.
   *  @param textsFor By which a host's certificate may be known, the narrowest first. */
  constructor(fallback: CertificatePem | undefined, textsFor: (host: string) => readonly string[]) {
    this.#fallback = fallback;
    this.#textsFor = textsFor;
  }

  /** Connections that stand are left alone. */
  set(host: string, pem: CertificatePem | undefined): void {
    const before = this.#byHost.get(host);
    if (before !== undefined) this.#contexts.delete(before);
    if (pem === undefined) this.#byHost.delete(host);
    else this.#byHost.set(host, pem);
    if (host === "") this.#onDefault(pem ?? this.#fallback);
  }

  /** What clients are shown that name no host, now and whenever that changes. */
  followDefault(onDefault: (pem: CertificatePem | undefined) => void): void {
    this.#onDefault = onDefault;
    onDefault(this.#byHost.get("") ?? this.#fallback);
  }

  hasFor(host: string): boolean {
    return this.#of(host) !== undefined;
  }

  /** For the host that a client names, in whatever case; "": it names none. */
  contextFor(host: string): SecureContext {
    const pem = this.#of(host.toLowerCase()) ?? this.#fallback;
    if (pem === undefined) throw new Error("no certificate is for this host");
    const known = this.#contexts.get(pem);
    if (known !== undefined) {
      this.#contexts.delete(pem);
      this.#contexts.set(pem, known);
      return known;
    }
    const made = secureContext(pem);
    this.#contexts.set(pem, made);
    for (const [oldest] of this.#contexts) {
      if (this.#contexts.size <= contextsKept) break;
      this.#contexts.delete(oldest);
    }
    return made;
  }

  #of(host: string): CertificatePem | undefined {
    for (const text of this.#textsFor(host)) {
      const found = this.#byHost.get(text);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Throws where the two are no certificate and its key. */
export function secureContext({ certificatePem, keyPem }: CertificatePem): SecureContext {
  return createSecureContext({ cert: certificatePem, key: keyPem, minVersion: "TLSv1.2" });
}
