import { isIP } from "node:net";
import type { SilenceLimits } from "../base/http2/keep-alive.ts";
import { type FileSections, type FlagTable, type FlagValues, UsageError } from "../base/os/flags.ts";
import { type AuthConfig, authDefaults } from "./auth/auth-config.ts";
import { authConfig, authFlagRows } from "./auth-flags.ts";
import { autoCompactionOf } from "./compaction-flags.ts";
import { corruptionChecks, corruptionFlagRows } from "./corruption/flags.ts";
import { type Discovery, discoveryFileSection, discoveryFlagRows, discoveryOf } from "./discovery/flags.ts";
import { driverLimits } from "./driver/config.ts";
import { featureGates, foreignFlags, foreignProblems } from "./foreign-flags.ts";
import { leaseCheckpointEveryMs, leaseCheckpointFlagRows } from "./lease-checkpoint-flags.ts";
import { byAddress, type ListenUrl, listenUrl, naming } from "./listen-url.ts";
import { logFlagRows, logLevels } from "./log-flag-rows.ts";
import { checkMemberUrl, parseInitialCluster } from "./membership/initial-cluster.ts";
import type { AutoCompaction } from "./propose/compaction-plan.ts";
import { tlsFileSections, tlsFlagRows } from "./tls-flag-rows.ts";
import { tlsFlags, tlsSettings } from "./tls-flags.ts";
import { type StoreTracing, storeTracing, tracingFlagRows } from "./tracing-flags.ts";
import type { TlsSettings } from "./transport/tls/settings.ts";
import { tlsLimits } from "./transport/tls/versions.ts";

/** What a client is told of the server's version, and what members agree on. */
export const serverVersion = "3.7.1";

/** What etcd calls a flag while it is experimental, or called it before. */
const sameAs = <const K extends "goDuration" | "integer" | "list" | "boolean">(kind: K, name: string) =>
  ({ kind, help: `the same as --${name}`, hidden: true, sameAs: name }) as const;

/** etcd's flag names, meanings and defaults. */
export const storeFlags = {
  name: { kind: "string", help: "human-readable name of this member", default: "default" },
  "data-dir": { kind: "string", help: "folder of this member's data (default NAME.etcd)", value: "DIR" },
  "wal-dir": {
    kind: "string",
    help: "folder of the write-ahead log (default: within --data-dir)",
    value: "DIR",
  },
  "listen-client-urls": {
    kind: "list",
    help: "addresses to serve clients on; unix:///PATH and unixs:///PATH are sockets",
    default: ["http://127.0.0.1:2379"],
    value: "URLS",
  },
  "listen-client-http-urls": {
    kind: "list",
    help: "addresses to serve clients' HTTP on in place of --listen-client-urls, which then take gRPC only",
    default: [],
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
    offers: ["new", "existing"],
  },
  "initial-cluster-token": {
    kind: "string",
    help: "tells clusters of the same addresses apart",
    default: "etcd-cluster",
  },
  ...discoveryFlagRows,
  "force-new-cluster": {
    kind: "boolean",
    help: "make a cluster of this member alone out of its data; what only others have is lost",
    default: false,
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
  "snapshot-catchup-entries": {
    kind: "integer",
    help: "applied entries that are kept for members that fall behind; with the default more, for those away for a short time",
    default: driverLimits.catchUpEntries,
  },
  "quota-backend-bytes": {
    kind: "integer",
    help: "bytes of data beyond which writes are refused; 0: 2 GiB, negative: no limit",
    default: 0,
  },
  "max-request-bytes": { kind: "integer", help: "largest request accepted, in bytes", default: 1_572_864 },
  "max-concurrent-streams": {
    kind: "integer",
    help: "most streams that a client may have open on a connection",
    default: 10_000,
  },
  "grpc-keepalive-interval": {
    kind: "goDuration",
    help: "silence after which a client is asked whether it is there; 0: never",
    default: 7_200_000,
    value: "DURATION",
  },
  "grpc-keepalive-timeout": {
    kind: "goDuration",
    help: "time for its answer, after which the connection is closed",
    default: 20_000,
    value: "DURATION",
  },
  "max-txn-ops": { kind: "integer", help: "most operations in a transaction", default: 128 },
  "max-learners": { kind: "integer", help: "most learners in the cluster", default: 1 },
  "strict-reconfig-check": {
    kind: "boolean",
    help: "refuse membership changes that risk the quorum",
    default: true,
  },
  "downgrade-check-time": {
    kind: "goDuration",
    help: "time between looks whether a downgrade is through; 0: it ends only when it is cancelled",
    default: 5_000,
    value: "DURATION",
  },
  "watch-progress-notify-interval": {
    kind: "goDuration",
    help: "time between progress messages on idle watches that ask for them",
    default: 600_000,
    value: "DURATION",
  },
  "wait-cluster-ready-timeout": {
    kind: "goDuration",
    help: "time to wait for a quorum before clients are served without it (serializable reads)",
    default: 5000,
    value: "DURATION",
  },
  "auto-compaction-mode": {
    kind: "string",
    help: '"periodic" keeps the history of a time, "revision" the last revisions',
    default: "periodic",
    offers: ["periodic", "revision"],
  },
  "auto-compaction-retention": {
    kind: "string",
    help: 'how much: a duration ("5m"), a number of hours or of revisions; 0: no compaction',
    default: "0",
  },
  "enable-grpc-gateway": { kind: "boolean", help: "answer JSON under /v3/", default: true },
  cors: { kind: "list", help: "origins whose pages may ask over HTTP; *: all", default: ["*"] },
  "host-whitelist": {
    kind: "list",
    help: "hosts that HTTP requests without TLS may name; *: all",
    default: ["*"],
  },
  "feature-gates": { kind: "list", help: "etcd's gates, as NAME=true|false", default: [] },
  "warning-unary-request-duration": {
    kind: "goDuration",
    help: "time beyond which a call, but for streams, is told in the log",
    default: 300,
    value: "DURATION",
  },
  "warning-apply-duration": {
    kind: "goDuration",
    help: "time beyond which applying a request, or a read, is told in the log",
    default: 100,
    value: "DURATION",
  },
  "enable-pprof": {
    kind: "boolean",
    help: "serve profiles of this process to clients, under /debug/pprof/",
    default: false,
  },
  metrics: {
    kind: "string",
    help: '"basic", or "extensive" with the times of calls (grpc_server_handling_seconds)',
    default: "basic",
    offers: ["basic", "extensive"],
  },
  ...logFlagRows,
  ...tlsFlagRows,
  ...authFlagRows,
  "config-file": { kind: "string", help: "YAML file of these settings", value: "FILE" },
  version: { kind: "boolean", help: "print the version and exit", default: false },
  "experimental-watch-progress-notify-interval": sameAs("goDuration", "watch-progress-notify-interval"),
  "experimental-downgrade-check-time": sameAs("goDuration", "downgrade-check-time"),
  "experimental-wait-cluster-ready-timeout": sameAs("goDuration", "wait-cluster-ready-timeout"),
  "experimental-warning-unary-request-duration": sameAs("goDuration", "warning-unary-request-duration"),
  "experimental-warning-apply-duration": sameAs("goDuration", "warning-apply-duration"),
  "experimental-max-learners": sameAs("integer", "max-learners"),
  ...corruptionFlagRows,
  "experimental-snapshot-catchup-entries": sameAs("integer", "snapshot-catchup-entries"),
  ...leaseCheckpointFlagRows,
  ...tracingFlagRows,
  ...foreignFlags,
} as const satisfies FlagTable;

/** The mappings within etcd's configuration file. */
export const storeFileSections: FileSections = {
  "discovery-config": discoveryFileSection,
  "socket-options": { "reuse-port": "socket-reuse-port", "reuse-address": "socket-reuse-address" },
  ...tlsFileSections,
};

export interface StoreConfig {
  readonly name: string;
  readonly dataDir: string;
  /** Undefined: within the data directory. */
  readonly walDir: string | undefined;
  readonly listenClient: readonly ListenUrl[];
  /** Where HTTP is served to clients; empty: beside gRPC on `listenClient`. */
  readonly listenClientHttp: readonly ListenUrl[];
  readonly listenPeer: readonly ListenUrl[];
  readonly listenMetrics: readonly ListenUrl[];
  readonly advertiseClientUrls: readonly string[];
  readonly initialAdvertisePeerUrls: readonly string[];
  readonly initialCluster: ReadonlyMap<string, readonly string[]>;
  /** Where the members of a new cluster are found; undefined: in `initialCluster`, which has this member alone otherwise. */
  readonly discovery: Discovery | undefined;
  readonly initialClusterState: "new" | "existing";
  readonly initialClusterToken: string;
  /** Take all other members out of the cluster. */
  readonly forceNewCluster: boolean;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotCount: number;
  readonly catchUpEntries: number;
  /** 0 or less: no limit. */
  readonly quotaBytes: number;
  readonly maxRequestBytes: number;
  readonly maxTxnOps: number;
  /** Streams that a client may have open on a connection. */
  readonly maxStreams: number;
  /** When clients are asked whether they are still there; undefined: never. */
  readonly clientSilence: SilenceLimits | undefined;
  readonly maxLearners: number;
  readonly strictReconfigCheck: boolean;
  readonly watchProgressMs: number;
  readonly downgradeCheckMs: number;
  /** How long clients' connections wait at most until this member knows what its cluster has agreed on. */
  readonly waitClusterReadyMs: number;
  /** Requests that take longer to be applied or read are told in the log. */
  readonly warningApplyMs: number;
  /** Calls that take longer are told in the log; those of streams are not. */
  readonly warningUnaryMs: number;
  /** Undefined: only clients compact. */
  readonly autoCompaction: AutoCompaction | undefined;
  readonly enableGateway: boolean;
  readonly enablePprof: boolean;
  /** How much /metrics tells. */
  readonly metrics: "basic" | "extensive";
  /** When members' data is compared. */
  readonly corruptionChecks: ReturnType<typeof corruptionChecks>;
  /** How often the leader has all members know how much time leases have left (gate LeaseCheckpoint); undefined: never. */
  readonly leaseCheckpointMs: number | undefined;
  /** What --feature-gates say, by name. */
  readonly featureGates: ReadonlyMap<string, boolean>;
  readonly corsOrigins: readonly string[];
  readonly hostWhitelist: readonly string[];
  readonly auth: AuthConfig;
  /** Where this member connects to others from (gate SetMemberLocalAddr); undefined: what the system takes. */
  readonly localAddress: string | undefined;
  readonly clientTls: TlsSettings | undefined;
  readonly peerTls: TlsSettings | undefined;
  readonly tracing: StoreTracing | undefined;
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
  const urls = (flag: keyof typeof flags & string, values: readonly string[]): readonly ListenUrl[] =>
    byAddress(values.flatMap((value) => attempt([], () => [listenUrl(flag, value)])));
  const listenClient = urls("listen-client-urls", flags["listen-client-urls"]);
  const listenClientHttp = urls("listen-client-http-urls", flags["listen-client-http-urls"]);
  const listenPeer = urls("listen-peer-urls", flags["listen-peer-urls"]);
  const listenMetrics = urls("listen-metrics-urls", flags["listen-metrics-urls"]);
  const peerUrls = flags["initial-advertise-peer-urls"] ?? flags["listen-peer-urls"];
  const clientUrls = flags["advertise-client-urls"] ?? flags["listen-client-urls"];
  for (const url of peerUrls)
    attempt("", () => naming("--initial-advertise-peer-urls", () => checkMemberUrl(url)));
  for (const url of clientUrls)
    attempt("", () => naming("--advertise-client-urls", () => checkMemberUrl(url)));
  const isClusterGiven = flags["initial-cluster"] !== undefined && flags["initial-cluster"].length > 0;
  const discovery = attempt(undefined, () => discoveryOf(flags, isClusterGiven));
  const clusterParts = flags["initial-cluster"] ?? peerUrls.map((url) => `${flags.name}=${url}`);
  const initialCluster = attempt(new Map<string, readonly string[]>(), () =>
    naming("--initial-cluster", () => parseInitialCluster(clusterParts)),
  );
  const limits = attempt({}, () =>
    tlsLimits({
      cipherSuites: flags["cipher-suites"],
      minVersion: flags["tls-min-version"],
      maxVersion: flags["tls-max-version"],
    }),
  );
  const dataDir = flags["data-dir"] || `${flags.name}.etcd`;
  const validYears = flags["self-signed-cert-validity"];
  const tls = (port: "client" | "peer", listen: readonly ListenUrl[], domain?: string) =>
    attempt(undefined, () =>
      tlsSettings(tlsFlags(flags, port), { port, urls: listen, domain, dataDir, validYears, limits }),
    );
  const clientTls = tls("client", [...listenClient, ...listenClientHttp]);
  const peerTls = tls("peer", listenPeer, discovery?.kind === "srv" ? discovery.domain : undefined);
  const autoCompaction = attempt(undefined, () =>
    autoCompactionOf(flags["auto-compaction-mode"], flags["auto-compaction-retention"]),
  );
  const gates = attempt(new Map<string, boolean>(), () =>
    naming("--feature-gates", () => featureGates(flags["feature-gates"])),
  );
  const checks = attempt({ initial: false, everyMs: 0, compactionsEveryMs: 0 }, () =>
    corruptionChecks(flags, gates),
  );
  const leaseCheckpointMs = attempt(undefined, () => leaseCheckpointEveryMs(flags, gates));
  const auth = attempt(authDefaults, () => authConfig(flags));
  const tracing = attempt(undefined, () => storeTracing(flags));
  problems.push(...foreignProblems(flags));
  problems.push(...relationProblems(flags, initialCluster, peerUrls));
  problems.push(
    ...withoutTls([...listenClient, ...listenClientHttp], clientTls).map(
      ({ url }) =>
        `TLS key/cert (--cert-file, --key-file) must be provided for client url ${url} with HTTPS scheme`,
    ),
    ...withoutTls(listenMetrics, clientTls).map(
      () => "client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url",
    ),
    ...withoutTls(listenPeer, peerTls).map(
      ({ url }) => `cannot listen on TLS for ${url}: --peer-cert-file and --peer-key-file are not given`,
    ),
    ...listenClient
      .filter(({ url }) => listenClientHttp.some((other) => other.url === url))
      .map(
        ({ url }) =>
          `cannot bind both --listen-client-urls and --listen-client-http-urls on the same url ${url}`,
      ),
  );
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  const quota = flags["quota-backend-bytes"];
  return {
    name: flags.name,
    dataDir,
    walDir: flags["wal-dir"]?.replace(/(?<=[^/])\/+$/, "") || undefined,
    listenClient,
    listenClientHttp,
    listenPeer,
    listenMetrics,
    advertiseClientUrls: clientUrls,
    initialAdvertisePeerUrls: [...peerUrls].sort(),
    initialCluster,
    discovery,
    initialClusterState: flags["initial-cluster-state"] === "existing" ? "existing" : "new",
    initialClusterToken: flags["initial-cluster-token"],
    forceNewCluster: flags["force-new-cluster"],
    heartbeatMs: flags["heartbeat-interval"],
    electionMs: flags["election-timeout"],
    snapshotCount: flags["snapshot-count"],
    catchUpEntries: flags["snapshot-catchup-entries"],
    quotaBytes: quota === 0 ? quotaDefaultBytes : quota,
    maxRequestBytes: flags["max-request-bytes"],
    maxTxnOps: flags["max-txn-ops"],
    maxStreams: flags["max-concurrent-streams"],
    clientSilence: silence(flags["grpc-keepalive-interval"], flags["grpc-keepalive-timeout"]),
    maxLearners: flags["max-learners"],
    strictReconfigCheck: flags["strict-reconfig-check"],
    downgradeCheckMs: Math.max(0, flags["downgrade-check-time"]),
    watchProgressMs: Math.max(100, flags["watch-progress-notify-interval"]),
    waitClusterReadyMs: Math.max(0, flags["wait-cluster-ready-timeout"]),
    warningApplyMs: flags["warning-apply-duration"],
    warningUnaryMs: flags["warning-unary-request-duration"],
    autoCompaction,
    corruptionChecks: checks,
    leaseCheckpointMs,
    featureGates: gates,
    enableGateway: flags["enable-grpc-gateway"],
    enablePprof: flags["enable-pprof"],
    metrics: flags.metrics === "extensive" ? "extensive" : "basic",
    corsOrigins: flags.cors,
    hostWhitelist: flags["host-whitelist"],
    auth,
    localAddress: gates.get("SetMemberLocalAddr") === true ? ownAddress(peerUrls) : undefined,
    clientTls,
    peerTls,
    tracing,
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

function silence(silentMostMs: number, answerWithinMs: number): SilenceLimits | undefined {
  return silentMostMs > 0 ? { silentMostMs, answerWithinMs } : undefined;
}

/** The first address of the peer URLs that others could know this member by. */
function ownAddress(peerUrls: readonly string[]): string | undefined {
  const hosts = peerUrls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ""));
  return hosts.find((host) => isIP(host) !== 0 && !/^(127\.|0\.0\.0\.0$|::1?$)/.test(host));
}

/** Those that want TLS where there is none. */
function withoutTls(urls: readonly ListenUrl[], tls: TlsSettings | undefined): readonly ListenUrl[] {
  return tls === undefined ? urls.filter((url) => url.tls) : [];
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
  need(
    flags.metrics === "basic" || flags.metrics === "extensive",
    `--metrics: "${flags.metrics}" must be basic or extensive`,
  );
  const state = flags["initial-cluster-state"];
  need(
    state === "new" || state === "existing",
    `--initial-cluster-state: "${state}" must be new or existing`,
  );
  for (const flag of [
    "snapshot-count",
    "max-request-bytes",
    "max-txn-ops",
    "max-concurrent-streams",
  ] as const)
    need(flags[flag] >= 1, `--${flag}: ${flags[flag]} must be at least 1`);
  need(
    logLevels.has(flags["log-level"]),
    `--log-level: "${flags["log-level"]}" must be debug, info, warn or error`,
  );
  need(
    flags["log-format"] === "json" || flags["log-format"] === "console",
    `--log-format: "${flags["log-format"]}" must be json or console`,
  );
  need(flags.logger === "zap", `--logger: "${flags.logger}" must be zap`);
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
