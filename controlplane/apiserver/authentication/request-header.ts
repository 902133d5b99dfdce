import { extraOf } from "../filters/extra-headers.ts";
import type { CertificateAuthenticator } from "./authenticator.ts";
import type { CertificateJudge } from "./client-certificate.ts";

/** Who a front proxy says that asks; the names are in lower case. */
export interface RequestHeaderConfig {
  /** PEM: the authority of front proxies' certificates. */
  readonly authorityPem: string;
  /** Common names of the proxies to trust; none: whoever has a certificate of that authority. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

/** Believes a front proxy, known by its certificate, about the user. */
export function requestHeader(
  config: RequestHeaderConfig,
  judge: CertificateJudge,
  own: readonly string[],
): CertificateAuthenticator {
  return async ({ certificate, rawHeaders, audiences }) => {
    if (certificate === undefined) return undefined;
    const refused = judge(certificate);
    if (refused !== undefined) return refused;
    const { commonName } = certificate;
    if (config.allowedNames.length > 0 && !config.allowedNames.includes(commonName))
      return { refusal: `x509: subject with cn=${commonName} is not in the allowed list` };
    const headers = pairs(rawHeaders);
    const first = (names: readonly string[]) => {
      for (const wanted of names) {
        // As in Kubernetes only the first of repeated headers counts.
        const value = headers.find(({ name }) => name === wanted)?.value ?? "";
        if (value !== "") return value;
      }
      return "";
    };
    const name = first(config.usernameHeaders);
    if (name === "") return undefined;
    const uid = first(config.uidHeaders);
    const groups = config.groupHeaders.flatMap((wanted) =>
      headers.filter((one) => one.name === wanted && one.value !== "").map(({ value }) => value),
    );
    const extra = extraOf(headers, config.extraPrefixes);
    const user = {
      name,
      groups,
      ...(uid !== "" && { uid }),
      ...(Object.keys(extra).length > 0 && { extra }),
    };
    return { user, audiences: audiences === undefined ? [] : own.filter((one) => audiences.includes(one)) };
  };
}

/** Is this one of the headers that say who asks? Whatever becomes of a request, they go no further. */
export function isRequestHeader(config: RequestHeaderConfig, name: string): boolean {
  const { usernameHeaders, uidHeaders, groupHeaders, extraPrefixes } = config;
  return (
    [...usernameHeaders, ...uidHeaders, ...groupHeaders].includes(name) ||
    extraPrefixes.some((prefix) => name.startsWith(prefix))
  );
}

interface Header {
  readonly name: string;
  readonly value: string;
}

/** Node hands header bytes on one by one; Kubernetes reads them as UTF-8. */
function pairs(raw: readonly string[]): readonly Header[] {
  const found: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    found.push({
      name: raw[at]?.toLowerCase() ?? "",
      value: Buffer.from(raw[at + 1] ?? "", "latin1").toString("utf8"),
    });
  return found;
}
