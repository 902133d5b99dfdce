import { parseIpRange } from "../base/ip-range.ts";
import { signingKey, verifyingKeys } from "../base/os/signing-keys.ts";
import { clusterDnsAddress } from "../client/rules/cluster-dns-address.ts";
import { defaultAdmission } from "../controlplane/apiserver/admission/configuration-file.ts";
import { certificatesOnly } from "../controlplane/apiserver/authentication/config.ts";
import { type ApiserverConfig, http2StreamsDefault } from "../controlplane/apiserver/flags.ts";
import { shutdownAtOnce } from "../controlplane/apiserver/shutdown/flags.ts";
import { type ClusterNetwork, isOfMachine } from "./cluster-network.ts";
import type { ClusterCredentials } from "./credentials.ts";

const issuer = "https://kubernetes.default.svc";
/** What is named as its port as long as it has none. */
const usualPort = 6443;

/** An API server that listens nowhere, but where nodes of the machine have to reach it.
 *  @param port 0: any, where it listens. */
export function apiserverConfig(
  { authority, accountKey, server, towardsNodes }: ClusterCredentials,
  network: ClusterNetwork,
  port = 0,
): ApiserverConfig {
  const services = parseIpRange(network.serviceRange);
  const clusterIps = services === undefined ? [] : [services];
  return {
    bindAddresses: network.apiAddresses,
    port: isOfMachine(network) ? port : usualPort,
    advertiseAddress: network.advertiseAddress,
    tls: { cert: server.certificatePem, key: server.privateKeyPem, clientCa: authority.certificatePem },
    authentication: {
      ...certificatesOnly,
      audiences: [issuer],
      serviceAccounts: {
        issuers: [issuer],
        keys: verifyingKeys(accountKey.publicPem),
        jwksUri: undefined,
        issuer: {
          issuer,
          key: signingKey(accountKey.privatePem),
          audiences: [issuer],
          maxExpirationSeconds: undefined,
          extendExpiration: true,
        },
      },
    },
    store: { endpoints: [], tls: undefined },
    encryption: undefined,
    audit: undefined,
    shutdown: shutdownAtOnce,
    telemetry: { verbosity: 0 },
    compactionIntervalMs: 300_000,
    clusterIps,
    // Simulated nodes answer no DNS.
    clusterDnsAddresses: isOfMachine(network)
      ? clusterIps.flatMap((range) => clusterDnsAddress(range) ?? [])
      : [],
    nodePorts: { first: 30_000, last: 32_767 },
    nodeTls: {
      ca: authority.certificatePem,
      cert: towardsNodes?.certificatePem,
      key: towardsNodes?.privateKeyPem,
    },
    inFlight: { readingMax: 400, mutatingMax: 200 },
    priorityAndFairness: true,
    proxyCertificate: { cert: undefined, key: undefined },
    resourceMetrics: false,
    features: new Set(),
    watchHistoryBytesMax: 16 * 1024 * 1024,
    headTimeoutMs: 32_000,
    http2: { serves: true, streamsMax: http2StreamsDefault },
    disabledAdmission: [],
    admission: defaultAdmission,
  };
}
