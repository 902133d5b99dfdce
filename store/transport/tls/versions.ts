/** etcd's --cipher-suites and --tls-min-version in the words of Node. */
export interface TlsLimits {
  readonly ciphers?: string;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
}
type TlsVersion = "TLSv1.2" | "TLSv1.3";

const versions: Readonly<Record<string, TlsVersion>> = { "TLS1.2": "TLSv1.2", "TLS1.3": "TLSv1.3" };

/** Suites of TLS 1.3 cannot be chosen in Go, so all of them stay; OpenSSL wants them named. */
const alwaysOn = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/** What Go lets one choose (crypto/tls, secure and insecure suites that OpenSSL still has), as OpenSSL calls it. */
const openSslNames: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: "ECDHE-ECDSA-AES128-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: "ECDHE-RSA-AES128-SHA256",
  TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
  TLS_RSA_WITH_AES_256_GCM_SHA384: "AES256-GCM-SHA384",
  TLS_RSA_WITH_AES_128_CBC_SHA256: "AES128-SHA256",
  TLS_RSA_WITH_AES_128_CBC_SHA: "AES128-SHA",
  TLS_RSA_WITH_AES_256_CBC_SHA: "AES256-SHA",
};

/** Throws with the flag and the rule that is broken. */
export function tlsLimits(given: {
  readonly cipherSuites: readonly string[];
  readonly minVersion: string;
  readonly maxVersion: string;
}): TlsLimits {
  const minVersion = version("--tls-min-version", given.minVersion);
  const maxVersion = version("--tls-max-version", given.maxVersion);
  if (minVersion === "TLSv1.3" && maxVersion === "TLSv1.2")
    throw new Error("--tls-min-version must not be above --tls-max-version");
  if (given.cipherSuites.length > 0 && minVersion === "TLSv1.3")
    throw new Error("--cipher-suites cannot be chosen when --tls-min-version is TLS1.3");
  const chosen = given.cipherSuites.map((suite) => {
    if (!Object.hasOwn(openSslNames, suite))
      throw new Error(`--cipher-suites: unexpected TLS cipher suite "${suite}"`);
    return openSslNames[suite];
  });
  return {
    ...(chosen.length > 0 && { ciphers: [...chosen, alwaysOn].join(":") }),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
  };
}

function version(flag: string, text: string): TlsVersion | undefined {
  if (text === "") return undefined;
  if (!Object.hasOwn(versions, text)) throw new Error(`${flag}: "${text}" must be TLS1.2 or TLS1.3`);
  return versions[text];
}
