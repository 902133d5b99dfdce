import { generateKeyPairSync } from "node:crypto";
import { nthAddress, parseIpRange } from "../base/ip-range.ts";
import { type Certificate, createAuthority, issueCertificate } from "../base/os/pki.ts";
import { type ClusterNetwork, isOfMachine, simulatedNetwork } from "./cluster-network.ts";

/** What a cluster's parts know each other by, where they are asked over connections. Made for one cluster, kept in memory. */
export interface ClusterCredentials {
  readonly authority: Certificate;
  /** Of service accounts' tokens, PEM. */
  readonly accountKey: { readonly privatePem: string; readonly publicPem: string };
  /** The API server's own. */
  readonly server: Certificate;
  /** What it shows to nodes that are reached over connections; absent where there are none. */
  readonly towardsNodes?: Certificate;
}

export async function makeCredentials(network = simulatedNetwork): Promise<ClusterCredentials> {
  const authority = await createAuthority({ name: "pintle-test-cluster" });
  const server = await issueCertificate(authority, {
    commonName: "kube-apiserver",
    dnsNames: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
    addresses: ["127.0.0.1", "::1", ...addressesOf(network)],
    usage: "server",
  });
  const made = { authority, accountKey: accountKey(), server };
  if (!isOfMachine(network)) return made;
  const towardsNodes = await clientCertificate(made, "system:apiserver", ["system:masters"]);
  return { ...made, towardsNodes };
}

/** As those of nodes and pods know the API server. */
function addressesOf(network: ClusterNetwork): readonly string[] {
  if (!isOfMachine(network)) return [];
  const services = parseIpRange(network.serviceRange);
  return [...network.apiAddresses.slice(1), services === undefined ? [] : nthAddress(services, 1)].flat();
}

/** By which the API server and a node know each other. */
export function nodeCertificate(
  { authority }: ClusterCredentials,
  node: string,
  address: string,
): Promise<Certificate> {
  return issueCertificate(authority, {
    commonName: `system:node:${node}`,
    organizations: ["system:nodes"],
    dnsNames: [node, "localhost"],
    addresses: [...new Set(["127.0.0.1", address])],
    usage: "both",
  });
}

/** Of an elliptic curve, which is made in no time. */
function accountKey(): ClusterCredentials["accountKey"] {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return { privatePem: privateKey, publicPem: publicKey };
}

export function clientCertificate(
  { authority }: ClusterCredentials,
  user: string,
  groups: readonly string[],
): Promise<Certificate> {
  return issueCertificate(authority, { commonName: user, organizations: [...groups], usage: "client" });
}
