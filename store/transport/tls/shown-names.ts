import type { X509Certificate } from "node:crypto";
import { lookup, reverse } from "node:dns/promises";
import { isIP } from "node:net";

/** Hosts and addresses that a certificate is for. */
export interface ShownNames {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
}

/** Names with characters that Node quotes stay quoted, and match nothing. */
export function shownNames({ subjectAltName = "" }: Pick<X509Certificate, "subjectAltName">): ShownNames {
  const names = subjectAltName.split(", ");
  const of = (kind: string) =>
    names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  return { hosts: of("DNS:"), addresses: of("IP Address:") };
}

export function commonName({ subject }: Pick<X509Certificate, "subject">): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? "";
}

/** Whether a certificate is for a host or an address by its alternative names. */
export function isFor(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  return certificate.checkHost(host, { subject: "never" }) !== undefined;
}

/** How names are looked up; both reject where nothing is found. */
export interface NameLookup {
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  readonly hostsAt: (address: string) => Promise<readonly string[]>;
}

export const systemLookup: NameLookup = {
  addressesOf: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  hostsAt: (address) => reverse(address),
};

/** Says why a certificate cannot come from that address, as it names others; undefined where it can, or names none. */
export async function addressProblem(
  certificate: X509Certificate,
  remote: string,
  { addressesOf, hostsAt }: NameLookup,
): Promise<string | undefined> {
  const { hosts, addresses } = shownNames(certificate);
  if (hosts.length === 0 && addresses.length === 0) return undefined;
  const address = remote.replace(/^::ffff:(?=\d+\.)/, "");
  if (addresses.length > 0 && certificate.checkIP(address) !== undefined) return undefined;
  if (hosts.length === 0) return `x509: certificate is valid for ${addresses.join(", ")}, not ${address}`;
  let failure = "";
  const found = (names: Promise<readonly string[]>): Promise<readonly string[]> =>
    names.catch((error: Error) => {
      failure = ` (${error.message})`;
      return [];
    });
  const suffixes = hosts.filter((host) => host.startsWith("*.")).map((host) => host.slice(1));
  for (const name of await found(hostsAt(address))) {
    const host = name.replace(/\.$/, "");
    if (hosts.includes(host) || suffixes.some((suffix) => host.endsWith(suffix))) return undefined;
  }
  for (const host of hosts)
    if (!host.startsWith("*.") && (await found(addressesOf(host))).includes(address)) return undefined;
  return `tls: "${address}" does not match any of DNSNames [${hosts.map((host) => `"${host}"`).join(" ")}]${failure}`;
}
