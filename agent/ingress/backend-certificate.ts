import { createHash } from "node:crypto";
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
} from "node:tls";
import type { BackendTrust } from "../../client/gateway/backend-tls.ts";
import type { ForwardSettings } from "./route.ts";

/** Which certificates of backends are good enough. */

type Settings = Pick<ForwardSettings, "tlsName" | "trust">;

interface Known {
  /** The same for trusts that say the same. */
  readonly key: string;
  readonly context: SecureContext;
}

const known = new WeakMap<BackendTrust, Known>();

function knownOf(trust: BackendTrust): Known {
  const before = known.get(trust);
  if (before !== undefined) return before;
  const { name, authoritiesPem, hosts, uris } = trust;
  const text = JSON.stringify([name, authoritiesPem, hosts, uris]);
  const made: Known = {
    key: createHash("sha256").update(text).digest("hex"),
    context: createSecureContext(authoritiesPem === undefined ? {} : { ca: authoritiesPem }),
  };
  known.set(trust, made);
  return made;
}

/** Connections of one key may serve each other's requests. */
export const tlsKey = ({ trust, tlsName }: Settings): string =>
  trust === undefined ? (tlsName ?? "") : `checked ${knownOf(trust).key}`; // no host has a blank

export function tlsOptions({ trust, tlsName }: Settings): ConnectionOptions {
  // Pods have no names that a certificate could be for, unless somebody says so.
  if (trust === undefined) return { servername: tlsName ?? "", rejectUnauthorized: false };
  return {
    servername: trust.name,
    rejectUnauthorized: true,
    secureContext: knownOf(trust).context,
    checkServerIdentity: (_, certificate) =>
      isFor(trust, certificate)
        ? undefined
        : new Error(`the backend's certificate is for ${certificate.subjectaltname ?? "no name"}`),
  };
}

/** Whether a certificate has one of the names. */
export function isFor(
  { hosts, uris }: Pick<BackendTrust, "hosts" | "uris">,
  certificate: PeerCertificate,
): boolean {
  const names = alternativeNames(certificate.subjectaltname ?? "");
  if (uris.some((uri) => names.includes(`URI:${uri}`))) return true;
  return hosts.some((host) =>
    host.startsWith("*.")
      ? names.some((name) => name.startsWith("DNS:") && name.toLowerCase().endsWith(host.slice(1)))
      : names.some((name) => name.startsWith("DNS:")) && checkServerIdentity(host, certificate) === undefined,
  );
}

/** The names of a text as Node gives it: what could be read as several is quoted there, and stays so, as none that is asked for. */
function alternativeNames(text: string): readonly string[] {
  const entry = /((?:"(?:[^"\\]|\\.)*"|[^",])+)(?:, |$)/y;
  const names: string[] = [];
  while (entry.lastIndex < text.length) {
    const found = entry.exec(text)?.[1];
    if (found === undefined) return [];
    names.push(found);
  }
  return names;
}
