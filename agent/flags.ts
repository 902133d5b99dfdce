import { isIP } from "node:net";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { ipRangeText, parseIpRange } from "../base/ip-range.ts";
import { type IpSpan, parseIpSpans } from "../base/ip-spans.ts";
import { type FlagTable, type FlagValues, UsageError } from "../base/os/flags.ts";
import { labelsForbiddenToNodes } from "../client/rules/node-labels.ts";
import type { Taint } from "../client/types.ts";
import { namespaceOf, normalized } from "./admission/sysctls.ts";
import { type CpuRules, cpuFlags, cpuRules } from "./cpus/cpu-flags.ts";
import { canonicalName } from "./dns/domain-name.ts";
import { defaultResolvConf } from "./dns/node-resolv-conf.ts";
import { parseStubDomains, type StubDomains } from "./dns/stub-domains.ts";
import type { PressureRules } from "./eviction/node-pressure.ts";
import { pressureFlags, pressureRules } from "./eviction/pressure-flags.ts";
import { areOfFamilies, type FamilyFlags, familyFlags, type IngressPlace } from "./family-flags.ts";
import { joinFlags } from "./identity/flags.ts";
import { type ImageRules, imageFlags, imageRules } from "./images/image-flags.ts";
import { kubeletConfiguration } from "./kubelet-configuration.ts";
import { type MemoryRules, memoryFlags, memoryRules } from "./memory/memory-flags.ts";
import type { PodNetworkBackend } from "./network/peers/plan-peers.ts";
import type { ProxyMode } from "./network-seam.ts";
import { type CniFolders, podNetworkChoice } from "./pod-network-choice.ts";
import { proxyChoice, proxyModeFlags } from "./proxy-mode-flags.ts";
import { type ReservedRules, reservedFlags, reservedRules } from "./reserved-flags.ts";
import { type CriChoice, isSocketUrl } from "./runtime/cri/endpoint.ts";
import { logFlags, type NodeLogs, nodeLogs } from "./runtime/log-flags.ts";
import { shutdownFlags } from "./shutdown/shutdown-flags.ts";
import type { ShutdownTime } from "./shutdown/shutdown-rounds.ts";

export const agentFlags = {
  "node-name": { kind: "string", help: "This node's name; the host's by default.", value: "NAME" },
  kubeconfig: { kind: "string", help: "How to reach the API servers and as whom.", value: "FILE" },
  ...joinFlags,
  "root-dir": {
    kind: "string",
    default: "/var/lib/pintle/agent",
    help: "Pods, containers, images, logs, and seccomp/ with profiles of the node's own.",
    value: "DIR",
  },
  ...imageFlags,
  "node-ip": {
    kind: "string",
    help: "This node's address, for the API server and other nodes; with an IPv6 one behind it where pods have both.",
    value: "IP[,IP]",
  },
  address: { kind: "string", help: "Address to serve logs and exec on; the node's by default.", value: "IP" },
  port: { kind: "integer", default: 10250, help: "Port to serve logs and exec on; 0: any." },
  runtime: {
    kind: "string",
    default: "auto",
    choices: ["auto", "oci", "process"],
    help: "auto, oci (containers) or process: plain processes that see all of the host, whatever is hidden by other flags.",
  },
  "oci-runtime": {
    kind: "string",
    help: "crun or runc, by name or path; the first found by default.",
    value: "PATH",
  },
  "container-runtime-endpoint": {
    kind: "string",
    help: "A container runtime's socket, which speaks CRI v1, such as unix:///run/containerd/containerd.sock: it runs the containers, and has the images.",
    value: "unix:///PATH",
  },
  "image-service-endpoint": {
    kind: "string",
    help: "Its socket for images, where that is another.",
    value: "unix:///PATH",
  },
  "network-plugin": {
    kind: "string",
    default: "bridge",
    help: "What connects pods: bridge, which is the agent's own, or cni: the plugins of the first network in --cni-conf-dir.",
  },
  "pod-network-backend": {
    kind: "string",
    default: "auto",
    help: "How the agent's own bridge reaches other nodes' pods: auto (through nodes on the same link, by VXLAN elsewhere), host-gw, vxlan, or none: somebody else routes.",
  },
  "cni-conf-dir": {
    kind: "string",
    help: "Where the CNI network's configuration is (/etc/cni/net.d by default). Where a container runtime looks for it, the agent's own is written there.",
    value: "DIR",
  },
  "cni-bin-dir": {
    kind: "list",
    default: [],
    help: "Where CNI plugins are (/opt/cni/bin by default); in the first one a container runtime finds the agent's own.",
    value: "DIRS",
  },
  "tls-cert-file": {
    kind: "string",
    help: "Certificate to serve with; self-made by default.",
    value: "FILE",
  },
  "tls-private-key-file": { kind: "string", help: "Its private key.", value: "FILE" },
  "client-ca-file": {
    kind: "string",
    help: "Whose client certificates are accepted; the kubeconfig's by default.",
    value: "FILE",
  },
  "pod-manifest-path": {
    kind: "string",
    help: "A file, or a folder of files, each with a pod that the node runs by itself; followed as they change.",
    value: "PATH",
  },
  "file-check-frequency": {
    kind: "duration",
    default: 20_000,
    help: "How often the files of --pod-manifest-path are looked at although nothing is told of them.",
  },
  ...logFlags,
  "pod-max-pids": {
    kind: "integer",
    default: -1,
    help: "How many processes and threads a pod may have; -1: as many as the node.",
  },
  "max-pods": { kind: "integer", default: 110, help: "How many pods this node takes." },
  "node-labels": { kind: "list", default: [], help: "Labels to register with.", value: "KEY=VALUE,…" },
  "register-with-taints": {
    kind: "list",
    default: [],
    help: "Taints to register with.",
    value: "KEY=VALUE:EFFECT,…",
  },
  "allow-host-image": {
    kind: "boolean",
    default: false,
    help: "Let pods use pintle.local/host, the host's own file system: every pod's author can read it; plain processes always can.",
  },
  "host-image-hide": {
    kind: "list",
    default: [],
    help: "Folders not shown in pintle.local/host, beside --root-dir and /root. No effect where pods are plain processes.",
    value: "DIRS",
  },
  "allowed-unsafe-sysctls": {
    kind: "list",
    default: [],
    help: "Sysctls beside the safe ones that pods may set; a name may end in *. Only those of a pod's own namespaces.",
    value: "NAMES",
  },
  "cloud-provider": {
    kind: "string",
    default: "",
    help: "external: a cloud controller manager initializes the node; empty: nobody need.",
  },
  "provider-id": { kind: "string", help: "By which a cloud knows this machine.", value: "ID" },
  ...reservedFlags,
  ...pressureFlags,
  ...cpuFlags,
  ...memoryFlags,
  "node-status-update-frequency": {
    kind: "duration",
    default: 10_000,
    help: "How often the node's condition is looked at.",
  },
  ...shutdownFlags,
  "node-lease-duration-seconds": { kind: "integer", default: 40, help: "How long the node's lease holds." },
  "cluster-dns": {
    kind: "list",
    default: [],
    help: "DNS servers that pods are told of; this node's own, at the tenth of the services' addresses, by default.",
    value: "IPS",
  },
  "cluster-domain": { kind: "string", default: "cluster.local", help: "Domain of the cluster's names." },
  "resolv-conf": {
    kind: "string",
    default: defaultResolvConf,
    help: "Names this node's own DNS servers, which are asked for what is not the cluster's; empty: none.",
    value: "FILE",
  },
  "dns-stub-domains": {
    kind: "list",
    default: [],
    value: "DOMAIN=ADDRESS[:PORT],…",
    help: "Domains that DNS servers of their own know; a domain named again has several, asked in turn.",
  },
  "pod-cidr": {
    kind: "string",
    help: "Range of pod addresses; from the Node object by default.",
    value: "CIDR[,CIDR]",
  },
  "cluster-cidr": { kind: "string", help: "Range of all pods' addresses.", value: "CIDR[,CIDR]" },
  ingress: {
    kind: "boolean",
    default: true,
    help: "Answer for Ingresses while there is an IngressClass whose controller is pintle.dev/ingress.",
  },
  "ingress-address": {
    kind: "list",
    default: [],
    help: "Address to answer for Ingresses on, or one of each family; the node's by default.",
    value: "IP,…",
  },
  "ingress-http-port": { kind: "integer", default: 80, help: "Port for Ingresses, plain; 0: any." },
  "ingress-https-port": { kind: "integer", default: 443, help: "Port for Ingresses with TLS; 0: any." },
  "nodeport-addresses": {
    kind: "list",
    default: [],
    value: "CIDR,…|primary",
    help: "Ranges of this node's addresses at which node ports are served, or primary: its own alone; all by default.",
  },
  "service-load-balancer-pool": {
    kind: "list",
    default: [],
    value: "FIRST-LAST,…",
    help: "Addresses, those of the controller manager's flag of this name, that this node may answer at for Services, one node an address.",
  },
  ...proxyModeFlags,
  "service-cluster-ip-range": {
    kind: "string",
    help: "Range of services' addresses.",
    value: "CIDR[,CIDR]",
  },
} as const satisfies FlagTable;

export interface AgentConfig extends ImageRules, ReservedRules {
  readonly nodeName: string;
  readonly kubeconfig: string | undefined;
  readonly rootDir: string;
  readonly nodeIp: string;
  readonly address: string;
  readonly port: number;
  readonly runtime: "auto" | "oci" | "process";
  readonly ociRuntime: string | undefined;
  /** Present where a container runtime runs the containers. */
  readonly cri: CriFlags | undefined;
  readonly tlsCertFile: string | undefined;
  readonly tlsPrivateKeyFile: string | undefined;
  readonly clientCaFile: string | undefined;
  /** Where the node's own pods are written down, if anywhere. */
  readonly manifests: { readonly path: string; readonly everyMs: number } | undefined;
  /** In whole seconds; 0: the node never goes down gracefully. */
  readonly shutdown: ShutdownTime;
  readonly logs: NodeLogs;
  /** Undefined: as many as the node. */
  readonly podProcessesMost: number | undefined;
  readonly maxPods: number;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly externalCloud: boolean;
  readonly providerId: string | undefined;
  readonly allowHostImage: boolean;
  readonly hostImageHide: readonly string[];
  readonly allowedUnsafeSysctls: readonly string[];
  readonly pressure: PressureRules;
  readonly cpus: CpuRules;
  readonly memory: MemoryRules;
  readonly statusUpdateMs: number;
  readonly leaseSeconds: number;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly resolvConf: string;
  readonly stubDomains: StubDomains;
  /** IPv4, as what is beside it. */
  readonly podCidr: string | undefined;
  readonly clusterCidr: string | undefined;
  readonly serviceCidr: string | undefined;
  /** The same of IPv6, where pods have both families. */
  readonly v6: FamilyFlags | undefined;
  readonly balancerPool: readonly IpSpan[];
  /** None: all of the node's addresses. */
  readonly nodePortRanges: readonly string[];
  /** Present where CNI plugins connect pods; what is undefined in it is as usual, or as the container runtime has it. */
  readonly podNetworkBackend: PodNetworkBackend;
  readonly cni: CniFolders | undefined;
  readonly proxyMode: ProxyMode | undefined;
  readonly ipvsScheduler: string | undefined;
  /** Undefined: the node answers for no Ingress. */
  readonly ingress: IngressPlace | undefined;
  /** The same settings in the kubelet's words. */
  readonly kubelet: object;
}

export type CriFlags = Pick<CriChoice, "endpoint" | "imageEndpoint" | "cniConfDir" | "cniBinDir">;

export const nodeNameOf = (flags: Pick<FlagValues<typeof agentFlags>, "node-name">): string =>
  (flags["node-name"] ?? hostname()).toLowerCase();

/** Throws UsageError naming every problem, one a line. */
export function agentConfig(flags: FlagValues<typeof agentFlags>): AgentConfig {
  const problems: string[] = [];
  const check = (ok: boolean, flag: string, value: unknown, rule: string) => {
    if (!ok) problems.push(`--${flag}: ${JSON.stringify(value)} ${rule}`);
  };
  const nodeName = nodeNameOf(flags);
  check(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(nodeName) && nodeName.length <= 253,
    "node-name",
    nodeName,
    "is not a DNS name in lower case",
  );
  const { runtime } = flags;
  const endpoint = flags["container-runtime-endpoint"];
  for (const name of ["container-runtime-endpoint", "image-service-endpoint"] as const)
    check(flags[name] === undefined || isSocketUrl(flags[name]), name, flags[name], "is not unix:///PATH");
  const image = flags["image-service-endpoint"];
  check(
    endpoint !== undefined || image === undefined,
    "image-service-endpoint",
    image,
    "needs --container-runtime-endpoint",
  );
  const { cni, backend } = podNetworkChoice(flags, check);
  const { proxyMode, ipvsScheduler } = proxyChoice(flags, check);
  const { "cni-conf-dir": confDir, "cni-bin-dir": binDirs } = flags;
  check(
    endpoint === undefined || (runtime === "auto" && flags["oci-runtime"] === undefined),
    "container-runtime-endpoint",
    endpoint,
    "leaves no choice to --runtime and --oci-runtime",
  );
  check(
    endpoint === undefined || !flags["allow-host-image"],
    "allow-host-image",
    true,
    "is not to be had by --container-runtime-endpoint, whose images are its own",
  );
  const cloud = flags["cloud-provider"];
  check(["", "external"].includes(cloud), "cloud-provider", cloud, "must be external or empty");
  check(flags.port >= 0 && flags.port <= 65_535, "port", flags.port, "must be 0 to 65535");
  check(
    flags.address === undefined || isIP(flags.address) !== 0,
    "address",
    flags.address,
    "is not an IP address",
  );
  const { v4, v6 } = familyFlags(flags, problems);
  const nodeIp = v4.nodeIp ?? "127.0.0.1";
  const asked = flags["ingress-address"];
  check(
    areOfFamilies(asked),
    "ingress-address",
    asked.join(),
    "is not an IP address, nor one of each family",
  );
  const [ingressAddress = nodeIp, ...alsoAt] = asked.length > 0 ? asked : [nodeIp, v6?.nodeIp ?? []].flat();
  for (const name of ["ingress-http-port", "ingress-https-port"] as const)
    check(flags[name] >= 0 && flags[name] <= 65_535, name, flags[name], "must be 0 to 65535");
  const images = imageRules(flags, check);
  const [shutdownMs, criticalMs] = [
    flags["shutdown-grace-period"],
    flags["shutdown-grace-period-critical-pods"],
  ];
  for (const name of ["shutdown-grace-period", "shutdown-grace-period-critical-pods"] as const)
    check(flags[name] >= 0 && flags[name] % 1000 === 0, name, flags[name], "ms are not whole seconds");
  check(
    criticalMs <= shutdownMs,
    "shutdown-grace-period-critical-pods",
    criticalMs,
    "ms are more than all of --shutdown-grace-period",
  );
  const everyMs = flags["file-check-frequency"];
  check(everyMs > 0, "file-check-frequency", everyMs, "must be positive");
  const logs = nodeLogs(flags, check);
  const pids = flags["pod-max-pids"];
  check(pids === -1 || pids > 0, "pod-max-pids", pids, "must be positive, or -1");
  check(flags["max-pods"] > 0, "max-pods", flags["max-pods"], "must be positive");
  check(
    flags["node-lease-duration-seconds"] > 0,
    "node-lease-duration-seconds",
    flags["node-lease-duration-seconds"],
    "must be positive",
  );
  check(
    (flags["tls-cert-file"] === undefined) === (flags["tls-private-key-file"] === undefined),
    "tls-cert-file",
    flags["tls-cert-file"] ?? "",
    "must be given together with --tls-private-key-file",
  );
  const { reserved, limitsPods } = reservedRules(flags, check);
  const pressure = pressureRules(flags, check);
  const cpus = cpuRules(flags, check);
  const memory = memoryRules(flags, check);
  for (const one of flags["node-labels"]) check(/^[^=]+=/.test(one), "node-labels", one, "is not KEY=VALUE");
  for (const key of labelsForbiddenToNodes(flags["node-labels"].map((one) => one.split("=")[0] ?? "")))
    check(false, "node-labels", key, "is a label that a node must not set on itself; use kubectl label");
  const taints = flags["register-with-taints"].map((one) => ({
    one,
    match: /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(one),
  }));
  for (const { one, match } of taints)
    check(
      match !== null,
      "register-with-taints",
      one,
      "is not KEY=VALUE:NoSchedule|PreferNoSchedule|NoExecute",
    );
  for (const one of flags["allowed-unsafe-sysctls"])
    check(
      /^[-_./a-z0-9]+\*?$/.test(one) && namespaceOf(normalized(one)) !== undefined,
      "allowed-unsafe-sysctls",
      one,
      "is not known to be of a pod's own namespaces",
    );
  for (const one of flags["cluster-dns"]) check(isIP(one) !== 0, "cluster-dns", one, "is not an IP address");
  check(
    canonicalName(flags["cluster-domain"]) !== undefined,
    "cluster-domain",
    flags["cluster-domain"],
    "is not a domain name",
  );
  const stubs = parseStubDomains(flags["dns-stub-domains"], canonicalName(flags["cluster-domain"]) ?? "");
  problems.push(...stubs.problems.map((fault) => `--dns-stub-domains: ${fault}`));
  check(
    stubs.domains.size === 0 || flags["cluster-dns"].length === 0,
    "dns-stub-domains",
    flags["dns-stub-domains"].join(),
    "has no effect where --cluster-dns names other servers",
  );
  const own = [nodeIp, v6?.nodeIp ?? []].flat().map((ip) => `${ip}/${ip.includes(":") ? 128 : 32}`);
  const nodePortRanges = flags["nodeport-addresses"].flatMap((one) => (one === "primary" ? own : [one]));
  for (const one of nodePortRanges)
    check(isWrittenRange(one), "nodeport-addresses", one, "is neither a range of addresses nor primary");
  const pool = parseIpSpans(flags["service-load-balancer-pool"]);
  problems.push(...pool.problems.map((fault) => `--service-load-balancer-pool: ${fault}`));
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  const config = {
    nodeName,
    kubeconfig: flags.kubeconfig,
    rootDir: resolve(flags["root-dir"]),
    ...images,
    nodeIp,
    address: flags.address ?? nodeIp,
    port: flags.port,
    runtime,
    ociRuntime: flags["oci-runtime"],
    cri:
      endpoint === undefined
        ? undefined
        : {
            endpoint,
            imageEndpoint: flags["image-service-endpoint"],
            cniConfDir: confDir,
            cniBinDir: binDirs[0],
          },
    cni,
    podNetworkBackend: backend,
    proxyMode,
    ipvsScheduler,
    tlsCertFile: flags["tls-cert-file"],
    tlsPrivateKeyFile: flags["tls-private-key-file"],
    clientCaFile: flags["client-ca-file"],
    manifests:
      flags["pod-manifest-path"] === undefined
        ? undefined
        : { path: resolve(flags["pod-manifest-path"]), everyMs: flags["file-check-frequency"] },
    shutdown: { seconds: shutdownMs / 1000, criticalSeconds: criticalMs / 1000 },
    logs,
    podProcessesMost: pids === -1 ? undefined : pids,
    maxPods: flags["max-pods"],
    nodeLabels: Object.fromEntries(
      flags["node-labels"].map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]),
    ),
    taints: taints.flatMap(({ match }) =>
      match?.[1] && match[3] ? [{ key: match[1], value: match[2] ?? "", effect: match[3] }] : [],
    ),
    externalCloud: cloud === "external",
    providerId: flags["provider-id"] || undefined,
    allowHostImage: flags["allow-host-image"],
    hostImageHide: flags["host-image-hide"].map((path) => resolve(path)),
    allowedUnsafeSysctls: flags["allowed-unsafe-sysctls"],
    reserved: cpus.reserved === undefined ? reserved : { ...reserved, cpuMillis: cpus.reserved.size * 1000 },
    limitsPods,
    pressure,
    cpus,
    memory,
    statusUpdateMs: flags["node-status-update-frequency"],
    leaseSeconds: flags["node-lease-duration-seconds"],
    clusterDns: flags["cluster-dns"],
    clusterDomain: canonicalName(flags["cluster-domain"]) ?? "",
    resolvConf: flags["resolv-conf"],
    stubDomains: stubs.domains,
    podCidr: v4.podCidr,
    clusterCidr: v4.clusterCidr,
    serviceCidr: v4.serviceCidr,
    v6,
    balancerPool: pool.spans,
    nodePortRanges,
    ingress: flags.ingress
      ? {
          address: ingressAddress,
          alsoAt,
          http: flags["ingress-http-port"],
          https: flags["ingress-https-port"],
        }
      : undefined,
  } satisfies Omit<AgentConfig, "kubelet">;
  return { ...config, kubelet: kubeletConfiguration(flags, config) };
}

/** With nothing set behind its prefix. */
function isWrittenRange(text: string): boolean {
  const range = parseIpRange(text);
  return range !== undefined && ipRangeText(range) === text;
}
