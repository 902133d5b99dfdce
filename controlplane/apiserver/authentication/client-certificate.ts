import type { Clock } from "../../../base/os/clock.ts";
import type { User } from "../filters/authentication.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import type { Authenticated, CertificateAuthenticator, Refusal } from "./authenticator.ts";
import type { ShownCertificate } from "./shown-certificate.ts";

const credentialIdKey = "authentication.kubernetes.io/credential-id";

/** The user a client certificate names: common name, with organizations as groups. Found once for a connection's certificate. */
export function clientCertificate(judge: CertificateJudge): CertificateAuthenticator {
  const known = new WeakMap<ShownCertificate, ReturnType<typeof namedIn>>();
  return async ({ certificate }) => {
    if (certificate === undefined) return undefined;
    const refused = judge(certificate);
    if (refused !== undefined) return refused;
    if (!known.has(certificate)) known.set(certificate, namedIn(certificate));
    return known.get(certificate);
  };
}

function namedIn(certificate: ShownCertificate): Authenticated | Refusal | undefined {
  const { commonName, organizations, uids, fingerprint } = certificate;
  if (commonName === "") return undefined;
  const [uid, ...moreUids] = uids;
  if (moreUids.length > 0) return { refusal: `expected 1 UID, but found multiple: [${uids.join(" ")}]` };
  if (uid === "") return { refusal: "UID cannot be an empty string" };
  const user = {
    name: commonName,
    ...(uid !== undefined && { uid }),
    groups: organizations,
    extra: { [credentialIdKey]: [`X509SHA256=${fingerprint}`] },
  };
  return { user, audiences: [] };
}

/** Is it the certificate by which that user is known? */
export function isKnownBy({ extra = {} }: User, { fingerprint }: ShownCertificate): boolean {
  return extra[credentialIdKey]?.[0] === `X509SHA256=${fingerprint}`;
}

/** Says why a certificate does not hold now; undefined where it does. */
export type CertificateJudge = (certificate: ShownCertificate) => Refusal | undefined;

/** Looks once at who signed a connection's certificate, and at each request whether it is still in its time.
 *  @param authorities Fingerprints of those that may have signed; absent where the connection's own check says all. */
export function certificateJudge(
  authorities: ReadonlySet<string> | undefined,
  clock: Pick<Clock, "wallMs">,
): CertificateJudge {
  const faults = new WeakMap<ShownCertificate, Refusal | "none">();
  const faultOf = (certificate: ShownCertificate) => {
    const why = certificate.problem ?? foreignTo(authorities, certificate);
    return why === undefined ? "none" : refused(certificate, why);
  };
  return (certificate) => {
    const fault = faults.get(certificate) ?? faultOf(certificate);
    faults.set(certificate, fault);
    if (fault !== "none") return fault;
    const nowMs = clock.wallMs();
    return nowMs > certificate.notAfterMs ? refused(certificate, expired(certificate, nowMs)) : undefined;
  };
}

function foreignTo(
  authorities: ReadonlySet<string> | undefined,
  { chainFingerprints }: ShownCertificate,
): string | undefined {
  const isKnown = authorities === undefined || [...chainFingerprints()].some((one) => authorities.has(one));
  return isKnown ? undefined : "x509: certificate signed by unknown authority";
}

function expired({ notAfterMs }: ShownCertificate, nowMs: number): string {
  const times = `current time ${rfc3339(nowMs)} is after ${rfc3339(notAfterMs)}`;
  return `x509: certificate has expired or is not yet valid: ${times}`;
}

const refused = ({ fingerprint }: ShownCertificate, why: string): Refusal => ({
  refusal: `verifying certificate SHA256=${fingerprint} failed: ${why}`,
});
