import { isIP } from "node:net";

const prefix = "tls: failed to verify certificate: x509: ";

const texts: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate signed by unknown authority",
  CERT_SIGNATURE_FAILURE: "certificate signed by unknown authority",
  CERT_HAS_EXPIRED: "certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "certificate has expired or is not yet valid",
};

/** What Go says of a server's certificate that does not hold; undefined where it is not about that. */
export function certificateText(error: Error, host: string): string | undefined {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return prefix + otherNames(error, host);
  const text = texts[code];
  return text === undefined ? undefined : prefix + text;
}

function otherNames(error: Error, host: string): string {
  const { cert } = error as Error & { readonly cert?: { readonly subjectaltname?: string } };
  const names = (cert?.subjectaltname ?? "").split(", ");
  const of = (kind: string) =>
    names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  if (isIP(host) !== 0) {
    const addresses = of("IP Address:");
    if (addresses.length === 0)
      return `cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
    return `certificate is valid for ${addresses.join(", ")}, not ${host}`;
  }
  const hosts = of("DNS:");
  if (hosts.length === 0) return `certificate is not valid for any names, but wanted to match ${host}`;
  return `certificate is valid for ${hosts.join(", ")}, not ${host}`;
}
