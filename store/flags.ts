import { type FlagTable, type FlagValues, UsageError } from "../base/os/flags.ts";
import { checkPeerUrl, parseInitialCluster } from "./membership/initial-cluster.ts";
import { readServerTls, type ServerTls } from "./transport/tls-files.ts";

/** What a client is told of the server's version, and what members agree on. */
export const serverVersion = "3.6.0";
export const clusterVersion = "3.6.0";

/** etcd's flag names, meanings and defaults. */
export const storeFlags = {
  name: { kind: "string", help: "human-readable name of this member", default: "default" },
  "data-dir": { kind: "string", help: "folder of this member's data (default NAME.etcd)", value: "DIR" },
  "listen-client-urls": {
    kind: "list",
    help: "addresses to serve clients on",
    default: ["http://127.0.0.1:2379"],
    value: "URLS",
  },
  "advertise-client-urls": {
    kind: "list",
    help: "client addresses told to others (default: those listened on)",
    value: "URLS",
  },
  "listen-peer-urls": {
    kind: "list",
    help: "addresses to serve other members on",
    default: ["http://127.0.0.1:2380"],
    value: "URLS",
  },
  "initial-advertise-peer-urls": {
    kind: "list",
    help: "peer addresses told to others when the cluster starts (default: those listened on)",
    value: "URLS",
  },
  "listen-metrics-urls": {
    kind: "list",
    help: "more addresses for /metrics, /health, /livez and /readyz",
    default: [],
    value: "URLS",
  },
  "initial-cluster": {
    kind: "list",
    help: "all members of the cluster at its start, as name=URL (default: this member alone)",
    value: "NAME=URL",
  },
  "initial-cluster-state": {
    kind: "string",
    help: '"new", or "existing" to join a running cluster',
    default: "new",
  },
  "initial-cluster-token": {
    kind: "string",
    help: "tells clusters of the same addresses apart",
    default: "etcd-cluster",
  },
  "heartbeat-interval": { kind: "integer", help: "milliseconds between a leader's heartbeats", default: 100 },
  "election-timeout": {
    kind: "integer",
    help: "milliseconds without a leader before an election",
    default: 1000,
  },
  "snapshot-count": {
    kind: "integer",
    help: "applied entries after which the log may be cut",
    default: 10_000,
  },
  "quota-backend-bytes": {
    kind: "integer",
    help: "bytes of data beyond which writes are refused; 0: 2 GiB, negative: no limit",
    default: 0,
  },
  "max-request-bytes": { kind: "integer", help: "largest request accepted, in bytes", default: 1_572_864 },
  "max-txn-ops": { kind: "integer", help: "most operations in a transaction", default: 128 },
  "max-learners": { kind: "integer", help: "most learners in the cluster", default: 1 },
  "strict-reconfig-check": {
    kind: "boolean",
    help: "refuse membership changes that risk the quorum",
    default: true,
  },
  "watch-progress-notify-interval": {
    kind: "duration",
    help: "time between progress messages on idle watches that ask for them",
    default: 600_000,
  },
  "log-level": { kind: "string", help: "debug, info, warn or error", default: "info" },
  "cert-file": { kind: "string", help: "certificate for clients, PEM", value: "FILE" },
  "key-file": { kind: "string", help: "private key of --cert-file, PEM", value: "FILE" },
  "trusted-ca-file": { kind: "string", help: "authority of client certificates, PEM", value: "FILE" },
  "client-cert-auth": { kind: "boolean", help: "refuse clients without a certificate", default: false },
  "peer-cert-file": { kind: "string", help: "certificate for other members, PEM", value: "FILE" },
  "peer-key-file": { kind: "string", help: "private key of --peer-cert-file, PEM", value: "FILE" },
  "peer-trusted-ca-file": { kind: "string", help: "authority of members' certificates, PEM", value: "FILE" },
  "peer-client-cert-auth": { kind: "boolean", help: "refuse members without a certificate", default: false },
  "config-file": { kind: "string", help: "YAML file of these settings", value: "FILE" },
  version: { kind: "boolean", help: "print the version and exit", default: false },
} as const satisfies FlagTable;

/** An address to listen on. */
export interface ListenUrl {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface StoreConfig {
  readonly name: string;
  readonly dataDir: string;
  readonly listenClient: readonly ListenUrl[];
  readonly listenPeer: readonly ListenUrl[];
  readonly listenMetrics: readonly ListenUrl[];
  readonly advertiseClientUrls: readonly string[];
  readonly initialAdvertisePeerUrls: readonly string[];
  readonly initialCluster: ReadonlyMap<string, readonly string[]>;
  readonly initialClusterState: "new" | "existing";
  readonly initialClusterToken: string;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotCount: number;
  /** 0: no limit. */
  readonly quotaBytes: number;
  readonly maxRequestBytes: number;
  readonly maxTxnOps: number;
  readonly maxLearners: number;
  readonly strictReconfigCheck: boolean;
  readonly watchProgressMs: number;
  readonly clientTls: ServerTls | undefined;
  readonly peerTls: ServerTls | undefined;
}

const quotaDefaultBytes = 2 * 1024 ** 3;

/** Checks every value and how they go together; throws one UsageError with all problems. */
export function storeConfig(flags: FlagValues<typeof storeFlags>): StoreConfig {
  const problems: string[] = [];
  const attempt = <T>(fallback: T, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return fallback;
    }
  };
  const urls = (flag: keyof typeof flags & string, values: readonly string[]): ListenUrl[] =>
    values.flatMap((value) => attempt([], () => [listenUrl(flag, value)]));
  const listenClient = urls("listen-client-urls", flags["listen-client-urls"]);
  const listenPeer = urls("listen-peer-urls", flags["listen-peer-urls"]);
  const listenMetrics = urls("listen-metrics-urls", flags["listen-metrics-urls"]);
  const peerUrls = flags["initial-advertise-peer-urls"] ?? flags["listen-peer-urls"];
  const clientUrls = flags["advertise-client-urls"] ?? flags["listen-client-urls"];
  for (const url of peerUrls)
    attempt("", () => named("--initial-advertise-peer-urls", () => checkPeerUrl(url)));
  for (const url of clientUrls) attempt("", () => named("--advertise-client-urls", () => checkPeerUrl(url)));
  const clusterParts = flags["initial-cluster"] ?? peerUrls.map((url) => `${flags.name}=${url}`);
  const initialCluster = attempt(new Map<string, readonly string[]>(), () =>
    named("--initial-cluster", () => parseInitialCluster(clusterParts)),
  );
  const clientTls = attempt(undefined, () => readServerTls(tlsFiles(flags, ""), "--"));
  const peerTls = attempt(undefined, () => readServerTls(tlsFiles(flags, "peer-"), "--peer-"));
  problems.push(...relationProblems(flags, initialCluster, peerUrls));
  problems.push(...tlsProblems([...listenClient, ...listenMetrics], clientTls, "--cert-file and --key-file"));
  problems.push(...tlsProblems(listenPeer, peerTls, "--peer-cert-file and --peer-key-file"));
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  const quota = flags["quota-backend-bytes"];
  return {
    name: flags.name,
    dataDir: flags["data-dir"] ?? `${flags.name}.etcd`,
    listenClient,
    listenPeer,
    listenMetrics,
    advertiseClientUrls: clientUrls,
    initialAdvertisePeerUrls: [...peerUrls].sort(),
    initialCluster,
    initialClusterState: flags["initial-cluster-state"] === "existing" ? "existing" : "new",
    initialClusterToken: flags["initial-cluster-token"],
    heartbeatMs: flags["heartbeat-interval"],
    electionMs: flags["election-timeout"],
    snapshotCount: flags["snapshot-count"],
    quotaBytes: quota === 0 ? quotaDefaultBytes : Math.max(0, quota),
    maxRequestBytes: flags["max-request-bytes"],
    maxTxnOps: flags["max-txn-ops"],
    maxLearners: flags["max-learners"],
    strictReconfigCheck: flags["strict-reconfig-check"],
    watchProgressMs: Math.max(100, flags["watch-progress-notify-interval"]),
    clientTls,
    peerTls,
  };
}

/** ETCD_ variables that name no flag; they are not errors, since etcd's own tools set some. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(
    Object.keys(storeFlags).map((name) => `ETCD_${name.toUpperCase().replaceAll("-", "_")}`),
  );
  return Object.keys(env)
    .filter((name) => name.startsWith("ETCD_") && !known.has(name))
    .sort();
}

function named<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : error}`);
  }
}

function listenUrl(flag: string, text: string): ListenUrl {
  const url = named(`--${flag}`, () => checkPeerUrl(text));
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (!/^[\d.]+$/.test(host) && !host.includes(":") && host !== "localhost")
    throw new UsageError(`--${flag}: "${text}" must name an IP address to listen on, or localhost`);
  const tls = protocol === "https:";
  // URL leaves a scheme's own port out
  return { url, host, port: port === "" ? (tls ? 443 : 80) : Number(port), tls };
}

function tlsFiles(flags: FlagValues<typeof storeFlags>, prefix: "" | "peer-") {
  const certFile = flags[`${prefix}cert-file`];
  const keyFile = flags[`${prefix}key-file`];
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new UsageError(`--${prefix}cert-file and --${prefix}key-file must be given together`);
  const clientCertAuth = flags[`${prefix}client-cert-auth`];
  const trustedCaFile = flags[`${prefix}trusted-ca-file`];
  if (clientCertAuth && trustedCaFile === undefined)
    throw new UsageError(`--${prefix}client-cert-auth needs --${prefix}trusted-ca-file`);
  return { certFile, keyFile, trustedCaFile, clientCertAuth };
}

function tlsProblems(urls: readonly ListenUrl[], tls: ServerTls | undefined, flags: string): string[] {
  const secure = urls.find((url) => url.tls);
  return secure !== undefined && tls === undefined ? [`${secure.url} needs ${flags}`] : [];
}

function relationProblems(
  flags: FlagValues<typeof storeFlags>,
  cluster: ReadonlyMap<string, readonly string[]>,
  peerUrls: readonly string[],
): string[] {
  const problems: string[] = [];
  const need = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  const { "heartbeat-interval": beat, "election-timeout": election } = flags;
  need(beat >= 1, `--heartbeat-interval: ${beat} must be at least 1`);
  need(
    election >= 5 * beat,
    `--election-timeout: ${election} must be at least 5 times --heartbeat-interval (${beat})`,
  );
  need(election <= 50_000, `--election-timeout: ${election} must be at most 50000`);
  const state = flags["initial-cluster-state"];
  need(
    state === "new" || state === "existing",
    `--initial-cluster-state: "${state}" must be new or existing`,
  );
  for (const flag of ["snapshot-count", "max-request-bytes", "max-txn-ops"] as const)
    need(flags[flag] >= 1, `--${flag}: ${flags[flag]} must be at least 1`);
  const level = flags["log-level"];
  need(
    ["debug", "info", "warn", "error"].includes(level),
    `--log-level: "${level}" must be debug, info, warn or error`,
  );
  if (cluster.size > 0) {
    const own = cluster.get(flags.name);
    const listed = [...(own ?? [])].sort().join(",");
    const told = [...peerUrls].sort().join(",");
    if (own === undefined)
      problems.push(`--initial-cluster: does not list this member, --name ${flags.name}`);
    else
      need(
        listed === told,
        `--initial-cluster: lists ${listed} for ${flags.name}, but --initial-advertise-peer-urls is ${told}`,
      );
  }
  return problems;
}
