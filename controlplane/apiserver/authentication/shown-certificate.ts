import { X509Certificate } from "node:crypto";
import { type DetailedPeerCertificate, TLSSocket } from "node:tls";

/** A client certificate as a connection showed it. */
export interface ShownCertificate {
  /** Why it does not hold; absent where one of the server's authorities signed it and it is in its time. */
  readonly problem: string | undefined;
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Values of Kubernetes' own part of a subject for a user's uid. */
  readonly uids: readonly string[];
  /** SHA-256 of the certificate, in lower-case hex. */
  readonly fingerprint: string;
  /** When it begins, since 1970. */
  readonly notBeforeMs: number;
  /** When it ends, since 1970. */
  readonly notAfterMs: number;
  /** SHA-256 of every certificate between it and the authority that signed it, that one included. */
  chainFingerprints(): ReadonlySet<string>;
}

const known = new WeakMap<TLSSocket, { readonly shown: ShownCertificate | undefined }>();

/** What the other side of a connection showed; read once for all its requests. */
export function shownCertificate(socket: unknown): ShownCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  let entry = known.get(socket);
  if (entry === undefined) {
    entry = { shown: read(socket) };
    known.set(socket, entry);
  }
  return entry.shown;
}

const uidPart = "1.3.6.1.4.1.57683.2";

function read(socket: TLSSocket): ShownCertificate | undefined {
  const certificate = socket.getPeerCertificate(true);
  // A connection without a certificate has an empty peer certificate.
  if (certificate.subject === undefined) return undefined;
  const subject = certificate.subject as unknown as Readonly<Record<string, unknown>>;
  return {
    problem: socket.authorized ? undefined : String(socket.authorizationError ?? "not trusted"),
    commonName: texts(subject.CN)[0] ?? "",
    organizations: texts(subject.O),
    uids: texts(subject[uidPart]),
    fingerprint: plainHex(certificate.fingerprint256),
    notBeforeMs: Date.parse(certificate.valid_from),
    notAfterMs: Date.parse(certificate.valid_to),
    chainFingerprints: () => chainOf(certificate),
  };
}

function chainOf(leaf: DetailedPeerCertificate): ReadonlySet<string> {
  const found = new Set<string>();
  let at: DetailedPeerCertificate | undefined = leaf.issuerCertificate;
  // The authority at the end is its own issuer.
  while (at?.fingerprint256 !== undefined && !found.has(plainHex(at.fingerprint256))) {
    found.add(plainHex(at.fingerprint256));
    at = at.issuerCertificate;
  }
  return found;
}

export function certificateBlocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

/** The same names for the certificates in a bundle. Throws where one cannot be read. */
export function bundleFingerprints(pem: string): ReadonlySet<string> {
  return new Set(certificateBlocks(pem).map((block) => plainHex(new X509Certificate(block).fingerprint256)));
}

const plainHex = (fingerprint: string) => fingerprint.replaceAll(":", "").toLowerCase();

/** Repeated parts of a name come as lists, whatever the declared types say. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
