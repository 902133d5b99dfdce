import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type IpRange, ipRangeText, parseIpRange } from "../../base/ip-range.ts";
import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { systemRandom } from "../../base/os/random.ts";
import type { TracingConfig } from "../../base/tracing/config.ts";
import { tracingFlags, tracingOfFlags } from "../../base/tracing/flags.ts";
import { clusterDnsAddress } from "../../client/rules/cluster-dns-address.ts";
import {
  type AdmissionConfiguration,
  defaultAdmission,
  readAdmissionConfiguration,
} from "./admission/configuration-file.ts";
import { admissionPluginNames } from "./admission/plugin-names.ts";
import type { ProxyCertificate } from "./aggregation/remote-client.ts";
import { type AuditConfig, auditConfig, auditFlags } from "./audit/flags.ts";
import type { AuthenticationConfig } from "./authentication/config.ts";
import { authenticationConfig, authenticationFlags } from "./authentication/flags.ts";
import { historyBytesDefault } from "./cache/history-budget.ts";
import { customMetricsFlags } from "./custommetrics/flag-table.ts";
import { type CustomMetricsConfig, customMetricsConfig } from "./custommetrics/flags.ts";
import { type EncryptionConfig, encryptionProblems } from "./encryption/configuration-file.ts";
import { type Feature, features, readFeatureGates } from "./features.ts";
import type { NodeTls } from "./reach/node-link.ts";
import type { PortRange } from "./registry/service-allocator.ts";
import { type ShutdownConfig, shutdownConfig, shutdownFlags } from "./shutdown/flags.ts";
import type { TelemetryConfig } from "./telemetry/request-record.ts";
import { verbosityHelp, verbosityMax } from "./telemetry/verbosity.ts";

const megabyte = 1024 * 1024;
/** kube-apiserver's, and what clients suppose before they are told. */
export const http2StreamsDefault = 100;

/** kube-apiserver's names where it has them. */
export const apiserverFlags = {
  "bind-address": {
    kind: "list",
    value: "ADDRESSES",
    default: ["127.0.0.1"],
    help: "Addresses to listen on",
  },
  "secure-port": {
    kind: "integer",
    value: "PORT",
    default: 6443,
    help: "Port for HTTPS; 0 takes a free one",
  },
  "advertise-address": {
    kind: "string",
    value: "ADDRESS",
    help: "Address at which other components reach this server (default: the first bind address)",
  },
  "tls-cert-file": { kind: "string", value: "FILE", help: "Server certificate, PEM" },
  "tls-private-key-file": { kind: "string", value: "FILE", help: "Its private key, PEM" },
  "client-ca-file": {
    kind: "string",
    value: "FILE",
    help: "Authority that client certificates must be signed by, PEM",
  },
  "etcd-servers": {
    kind: "list",
    value: "URLS",
    default: [],
    help: "The store: endpoints that speak etcd's v3 API",
  },
  "etcd-cafile": { kind: "string", value: "FILE", help: "Authority of the store's certificates, PEM" },
  "etcd-certfile": { kind: "string", value: "FILE", help: "Client certificate for the store, PEM" },
  "etcd-keyfile": { kind: "string", value: "FILE", help: "Its private key, PEM" },
  "encryption-provider-config": {
    kind: "string",
    value: "FILE",
    help: "EncryptionConfiguration: which resources are stored encrypted, with which keys",
  },
  "encryption-provider-config-automatic-reload": {
    kind: "boolean",
    default: false,
    help: "Take over changes of that file while running",
  },
  "etcd-compaction-interval": {
    kind: "duration",
    default: 300_000,
    help: "How often the store's history is compacted; 0 leaves that to others",
  },
  "service-cluster-ip-range": {
    kind: "list",
    value: "CIDR[,CIDR]",
    default: ["10.96.0.0/16"],
    help: "Cluster IPs of services; of both families where there are two, the first where a service does not say",
  },
  "kube-dns-service": {
    kind: "boolean",
    default: true,
    help: "Keep the Service kube-system/kube-dns, at whose address (the tenth of services) each node answers DNS; =false leaves it to others",
  },
  "service-node-port-range": {
    kind: "string",
    value: "FIRST-LAST",
    default: "30000-32767",
    help: "Node ports of services",
  },
  "kubelet-certificate-authority": {
    kind: "string",
    value: "FILE",
    help: "Authority of the node agents' certificates, PEM",
  },
  "kubelet-client-certificate": {
    kind: "string",
    value: "FILE",
    help: "Client certificate for node agents, PEM",
  },
  "kubelet-client-key": { kind: "string", value: "FILE", help: "Its private key, PEM" },
  "proxy-client-cert-file": {
    kind: "string",
    value: "FILE",
    help: "Client certificate by which servers of other API groups know this one as their front proxy, PEM",
  },
  "proxy-client-key-file": { kind: "string", value: "FILE", help: "Its private key, PEM" },
  "disable-http2-serving": {
    kind: "boolean",
    default: false,
    help: "Serve HTTP/1.1 only",
  },
  "http2-max-streams-per-connection": {
    kind: "integer",
    default: 0,
    help: `Requests at once on one connection of HTTP/2; 0 means ${http2StreamsDefault}`,
  },
  ...authenticationFlags,
  ...auditFlags,
  ...shutdownFlags,
  ...tracingFlags,
  v: {
    kind: "integer",
    value: "LEVEL",
    default: 0,
    help: verbosityHelp,
  },
  "disable-admission-plugins": {
    kind: "list",
    value: "NAMES",
    default: [],
    help: `Admission plugins to leave out, of ${admissionPluginNames.join(", ")}`,
  },
  "admission-control-config-file": {
    kind: "string",
    value: "FILE",
    help: "AdmissionConfiguration: defaults and exemptions of PodSecurity",
  },
  "max-requests-inflight": {
    kind: "integer",
    default: 400,
    help: "Reads under way at once; with priority and fairness a part of the server's seats",
  },
  "max-mutating-requests-inflight": {
    kind: "integer",
    default: 200,
    help: "Writes under way at once; with priority and fairness the other part of the seats",
  },
  "enable-priority-and-fairness": {
    kind: "boolean",
    default: true,
    help: "Let requests wait by flow schemas and priority levels; =false refuses those beyond the two numbers",
  },
  "resource-metrics": {
    kind: "boolean",
    default: false,
    help: "Serve metrics.k8s.io (kubectl top, autoscalers), asking the nodes; a metrics-server that is installed takes its place",
  },
  ...customMetricsFlags,
  "log-search": {
    kind: "boolean",
    default: false,
    help: "Serve logs.pintle.dev: search logs of all nodes, events and audit logs",
  },
  "feature-gates": {
    kind: "list",
    default: [],
    value: "NAME=true|false,…",
    help: `Features that are off in Kubernetes 1.36 and can be switched on: ${features.join(", ")}`,
  },
  "watch-history-mb": {
    kind: "integer",
    value: "MEGABYTES",
    default: historyBytesDefault / megabyte,
    help: "The most that recent changes may take, which watches resume from; 75 s of them are kept where they fit",
  },
} as const satisfies FlagTable;

export interface ApiserverConfig {
  readonly bindAddresses: readonly string[];
  readonly port: number;
  readonly advertiseAddress: string;
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string };
  readonly authentication: AuthenticationConfig;
  readonly store: StoreAccess;
  /** Absent: values are stored as they are. */
  readonly encryption: EncryptionConfig | undefined;
  /** Absent: nobody reads of requests. */
  readonly audit: AuditConfig | undefined;
  readonly shutdown: ShutdownConfig;
  /** Absent: nothing is traced. */
  readonly tracing?: TracingConfig | undefined;
  readonly telemetry: TelemetryConfig;
  readonly compactionIntervalMs: number;
  /** One, or two of different families. */
  readonly clusterIps: readonly IpRange[];
  /** Where the Service of the cluster's DNS is kept; none: nowhere. */
  readonly clusterDnsAddresses: readonly string[];
  readonly nodePorts: PortRange;
  readonly nodeTls: NodeTls;
  /** Names of admission plugins that do not run. */
  readonly disabledAdmission: readonly string[];
  readonly admission: AdmissionConfiguration;
  readonly inFlight: { readonly readingMax: number; readonly mutatingMax: number };
  readonly priorityAndFairness: boolean;
  /** Shown to servers of other API groups. */
  readonly proxyCertificate: ProxyCertificate;
  /** Whether metrics.k8s.io is served here. */
  readonly resourceMetrics: boolean;
  /** Absent: neither custom.metrics.k8s.io nor external.metrics.k8s.io is served here. */
  readonly customMetrics?: CustomMetricsConfig | undefined;
  /** Whether logs.pintle.dev is served here. */
  readonly logSearch?: boolean;
  readonly features: ReadonlySet<Feature>;
  readonly watchHistoryBytesMax: number;
  readonly http2: { readonly serves: boolean; readonly streamsMax: number };
  /** How long a client may take to shake hands, or to send a request's head. */
  readonly headTimeoutMs: number;
}

/** Kubernetes' ReadHeaderTimeout. */
const headTimeoutMs = 32_000;

export interface StoreAccess {
  readonly endpoints: readonly string[];
  /** PEM. Absent: plain text. */
  readonly tls: { readonly ca?: string; readonly certificate?: string; readonly key?: string } | undefined;
}

/** Checks values and their relations, reads the files. Throws UsageError naming every problem at once. */
export function apiserverConfig(flags: FlagValues<typeof apiserverFlags>): ApiserverConfig {
  const problems: string[] = [];
  const reader = fileReader(flags, problems);
  const [firstAddress = "0.0.0.0"] = flags["bind-address"];
  const wildcard = firstAddress === "0.0.0.0" || firstAddress === "::";
  const advertiseAddress = flags["advertise-address"] ?? (wildcard ? "127.0.0.1" : firstAddress);
  for (const address of [...flags["bind-address"], advertiseAddress])
    if (isIP(address) === 0)
      problems.push(`--bind-address, --advertise-address: "${address}" is not an IP address`);
  const port = flags["secure-port"];
  if (port < 0 || port > 65535) problems.push(`--secure-port: ${port} is not a port (0 to 65535)`);
  if (flags["etcd-servers"].length === 0) problems.push("--etcd-servers: at least one URL is needed");
  const clusterIps = serviceRanges(flags["service-cluster-ip-range"], problems);
  const [primary] = clusterIps;
  if (primary !== undefined && isIP(advertiseAddress) !== 0 && isIP(advertiseAddress) !== primary.family)
    problems.push(
      `--service-cluster-ip-range: ${ipRangeText(primary)} is first and not of the family of --advertise-address (${advertiseAddress})`,
    );
  const nodePorts = portRange(flags["service-node-port-range"]);
  if (nodePorts === undefined)
    problems.push(
      `--service-node-port-range: "${flags["service-node-port-range"]}" is not FIRST-LAST within 1 to 65535`,
    );
  for (const name of ["max-requests-inflight", "max-mutating-requests-inflight", "watch-history-mb"] as const)
    if (flags[name] < 1) problems.push(`--${name}: ${flags[name]} is not at least 1`);
  if (flags["http2-max-streams-per-connection"] < 0)
    problems.push("--http2-max-streams-per-connection: cannot be negative");
  for (const name of flags["disable-admission-plugins"])
    if (!admissionPluginNames.includes(name))
      problems.push(`--disable-admission-plugins: "${name}" is none of ${admissionPluginNames.join(", ")}`);
  if (flags.v < 0 || flags.v > verbosityMax)
    problems.push(`--v: ${flags.v} is no level (0 to ${verbosityMax}): nothing would be told beyond`);
  const gates = readFeatureGates(flags["feature-gates"]);
  problems.push(...gates.problems);
  const audit = auditConfig(flags, problems);
  const shutdown = shutdownConfig(flags, problems);
  const encryptionFile = flags["encryption-provider-config"];
  const reloads = flags["encryption-provider-config-automatic-reload"];
  if (encryptionFile)
    for (const problem of encryptionProblems(encryptionFile, systemRandom))
      problems.push(`--encryption-provider-config: ${problem}`);
  else if (reloads)
    problems.push("--encryption-provider-config-automatic-reload: needs --encryption-provider-config");
  const admissionFile = flags["admission-control-config-file"];
  const found: string[] = [];
  const admission = admissionFile ? readAdmissionConfiguration(admissionFile, found) : defaultAdmission;
  problems.push(...found.map((problem) => `--admission-control-config-file: ${problem}`));
  const tls = {
    cert: reader.required("tls-cert-file"),
    key: reader.required("tls-private-key-file"),
    clientCa: reader.required("client-ca-file"),
  };
  const nodeTls = {
    ca: reader.optional("kubelet-certificate-authority"),
    cert: reader.optional("kubelet-client-certificate"),
    key: reader.optional("kubelet-client-key"),
  };
  const proxyCertificate = {
    cert: reader.optional("proxy-client-cert-file"),
    key: reader.optional("proxy-client-key-file"),
  };
  if ((proxyCertificate.cert === undefined) !== (proxyCertificate.key === undefined))
    problems.push("--proxy-client-cert-file, --proxy-client-key-file: give both or neither");
  const authentication = authenticationConfig(flags, problems);
  const customMetrics = customMetricsConfig(flags, problems);
  if (customMetrics?.rules.resourceRules !== undefined && !flags["resource-metrics"])
    problems.push("--custom-metrics-rules: resourceRules: need --resource-metrics, which they are for");
  const tracing = tracingOfFlags(flags, problems);
  const store = { endpoints: flags["etcd-servers"], tls: storeTls(flags, reader, problems) };
  if (problems.length > 0 || nodePorts === undefined) throw new UsageError(problems.join("\n"));
  return {
    bindAddresses: flags["bind-address"],
    port,
    advertiseAddress,
    tls,
    authentication,
    store,
    audit,
    shutdown,
    tracing,
    telemetry: { verbosity: flags.v, flags: shownFlags(flags) },
    encryption: encryptionFile ? { path: encryptionFile, reloads } : undefined,
    compactionIntervalMs: flags["etcd-compaction-interval"],
    clusterIps,
    clusterDnsAddresses: flags["kube-dns-service"]
      ? clusterIps.flatMap((range) => clusterDnsAddress(range) ?? [])
      : [],
    nodePorts,
    nodeTls,
    disabledAdmission: flags["disable-admission-plugins"],
    admission,
    inFlight: {
      readingMax: flags["max-requests-inflight"],
      mutatingMax: flags["max-mutating-requests-inflight"],
    },
    proxyCertificate,
    priorityAndFairness: flags["enable-priority-and-fairness"],
    resourceMetrics: flags["resource-metrics"],
    customMetrics,
    logSearch: flags["log-search"],
    features: gates.on,
    watchHistoryBytesMax: flags["watch-history-mb"] * megabyte,
    http2: {
      serves: !flags["disable-http2-serving"],
      streamsMax: flags["http2-max-streams-per-connection"] || http2StreamsDefault,
    },
    headTimeoutMs,
  };
}

/** The shortest and longest prefixes; shorter IPv6 ones Kubernetes does not take either. */
const servicePrefixBits = { 4: [8, 30], 6: [64, 126] } as const;

function serviceRanges(texts: readonly string[], problems: string[]): readonly IpRange[] {
  const flag = "--service-cluster-ip-range";
  const ranges = texts.flatMap((text) => {
    const range = parseIpRange(text);
    const [least, most] = servicePrefixBits[range?.family ?? 4];
    if (
      range !== undefined &&
      ipRangeText(range) === text &&
      range.prefixBits >= least &&
      range.prefixBits <= most
    )
      return [range];
    problems.push(`${flag}: "${text}" is no block of IPv4 (/8 to /30) or IPv6 (/64 to /126)`);
    return [];
  });
  const [first, second, third] = ranges;
  if (texts.length === 0) problems.push(`${flag}: a range is needed`);
  if (third !== undefined || (second !== undefined && first?.family === second.family))
    problems.push(`${flag}: one range of each family at most`);
  return ranges;
}

type Flags = FlagValues<typeof apiserverFlags>;

/** For people who look at a running server. No flag holds a secret: those are in files, whose paths stand here. */
function shownFlags(flags: Flags): Readonly<Record<string, string>> {
  const shown = (value: unknown) => (Array.isArray(value) ? `[${value.join(",")}]` : String(value ?? ""));
  return Object.fromEntries(
    Object.keys(apiserverFlags).map((name) => [name, shown(flags[name as keyof Flags])]),
  );
}
type FileFlag =
  | Extract<
      keyof Flags,
      `tls-${string}-file` | `etcd-${string}file` | `kubelet-${string}` | `proxy-client-${string}`
    >
  | "client-ca-file";
interface FileReader {
  required(name: FileFlag): string;
  optional(name: FileFlag): string | undefined;
}

function fileReader(flags: Flags, problems: string[]): FileReader {
  const optional = (name: FileFlag): string | undefined => {
    const path = flags[name];
    if (path === undefined || path === "") return undefined;
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      problems.push(`--${name}: cannot read ${path}: ${error instanceof Error ? error.message : error}`);
      return "";
    }
  };
  return {
    optional,
    required: (name) => {
      const text = optional(name);
      if (text === undefined) problems.push(`--${name}: a file is needed`);
      return text ?? "";
    },
  };
}

function storeTls(flags: Flags, reader: FileReader, problems: string[]): StoreAccess["tls"] {
  const ca = reader.optional("etcd-cafile");
  const cert = reader.optional("etcd-certfile");
  const key = reader.optional("etcd-keyfile");
  if ((cert === undefined) !== (key === undefined))
    problems.push("--etcd-certfile, --etcd-keyfile: give both or neither");
  const secure = flags["etcd-servers"].some((url) => url.startsWith("https:"));
  if (!secure && ca === undefined && cert === undefined) return undefined;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { certificate: cert }),
    ...(key !== undefined && { key }),
  };
}

function portRange(text: string): PortRange | undefined {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  return match !== null && first >= 1 && last >= first && last <= 65535 ? { first, last } : undefined;
}
