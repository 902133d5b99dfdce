import { parseIpRange } from "../base/ip-range.ts";
import { signingKey, verifyingKeys } from "../base/os/signing-keys.ts";
import { defaultAdmission } from "../controlplane/apiserver/admission/configuration-file.ts";
import { certificatesOnly } from "../controlplane/apiserver/authentication/config.ts";
import { type ApiserverConfig, http2StreamsDefault } from "../controlplane/apiserver/flags.ts";
import { shutdownAtOnce } from "../controlplane/apiserver/shutdown/flags.ts";
import type { ClusterCredentials } from "./credentials.ts";

const issuer = "https://kubernetes.default.svc";
/** What the `kubernetes` Service leads to until a port is open. */
const usualPort = 6443;

/** An API server that listens nowhere. */
export function apiserverConfig({ authority, accountKey, server }: ClusterCredentials): ApiserverConfig {
  return {
    bindAddresses: [],
    port: usualPort,
    advertiseAddress: "127.0.0.1",
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
    clusterIps: ["10.96.0.0/16"].flatMap((text) => parseIpRange(text) ?? []),
    clusterDnsAddresses: [],
    nodePorts: { first: 30_000, last: 32_767 },
    nodeTls: { ca: authority.certificatePem, cert: undefined, key: undefined },
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
