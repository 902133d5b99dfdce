/** TLS options that trust what these certificates are or have signed. As everywhere in Kubernetes, whoever is named is trusted
 *  as it is: a server's own certificate, or one of an authority that others vouch for, where OpenSSL would want the whole
 *  chain up to one that signed itself. */
export function trusting(certificatesPem: string | readonly string[]): {
  readonly ca: string | string[];
  readonly allowPartialTrustChain: true;
} {
  return {
    ca: typeof certificatesPem === "string" ? certificatesPem : [...certificatesPem],
    allowPartialTrustChain: true,
  };
}
