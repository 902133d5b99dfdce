import type { User } from "../filters/authentication.ts";
import { AuthenticationError, type Authenticator } from "./authenticator.ts";
import type { ShownCertificate } from "./shown-certificate.ts";

const credentialIdKey = "authentication.kubernetes.io/credential-id";

/** The user a client certificate names: common name, with organizations as groups.
 *  @param authorities Fingerprints of those that sign users, where the server knows others too. */
export function clientCertificate(authorities?: ReadonlySet<string>): Authenticator {
  return async ({ certificate }) => {
    if (certificate === undefined) return undefined;
    requireSignedBy(certificate, authorities);
    const { commonName, organizations, uids, fingerprint } = certificate;
    if (commonName === "") return undefined;
    const [uid, ...moreUids] = uids;
    if (moreUids.length > 0)
      throw new AuthenticationError(`expected 1 UID, but found multiple: [${uids.join(" ")}]`);
    if (uid === "") throw new AuthenticationError("UID cannot be an empty string");
    const user = {
      name: commonName,
      ...(uid !== undefined && { uid }),
      groups: organizations,
      extra: { [credentialIdKey]: [`X509SHA256=${fingerprint}`] },
    };
    return { user, audiences: [] };
  };
}

/** Is it the certificate by which that user is known? */
export function isKnownBy({ extra = {} }: User, { fingerprint }: ShownCertificate): boolean {
  return extra[credentialIdKey]?.[0] === `X509SHA256=${fingerprint}`;
}

/** Fails for a certificate that none of these authorities signed, or that does not hold for another reason. */
export function requireSignedBy(
  { problem, fingerprint, chainFingerprints }: ShownCertificate,
  authorities: ReadonlySet<string> | undefined,
): void {
  const foreign =
    authorities !== undefined && ![...chainFingerprints()].some((one) => authorities.has(one))
      ? "x509: certificate signed by unknown authority"
      : undefined;
  const why = problem ?? foreign;
  if (why !== undefined)
    throw new AuthenticationError(`verifying certificate SHA256=${fingerprint} failed: ${why}`);
}
