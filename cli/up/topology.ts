import { join } from "node:path";
import { auditWords, searchedAuditWords } from "./audit.ts";
import type { ClusterPlan, ComponentKind } from "./cluster-state.ts";
import type { Layout } from "./layout.ts";
import { apiserverPkiFlags, controllerManagerPkiFlags, storePkiFlags } from "./pki-flags.ts";
import { agentShipping, apiserverShipping, managerShipping } from "./shipping.ts";
import { storeTracingWords, tracingWords } from "./tracing.ts";

/** Pure: which processes a local cluster is made of, with which arguments, in which order they become ready. */
export interface ComponentSpec {
  readonly name: string;
  readonly kind: ComponentKind;
  /** Words after `pintle`. */
  readonly argv: readonly string[];
  /** Enter this network namespace first. */
  readonly networkNamespace?: string;
  /** Answers 200 when the component serves; absent: running is enough. */
  readonly readyUrl?: string;
}

export interface NodeSpec {
  readonly name: string;
  readonly address: string;
  /** Of IPv6, where nodes have both. */
  readonly address6?: string;
  /** Where it answers for Ingresses: load balancers have the ports of its own address. */
  readonly ingressAddress: string;
  readonly ingressAddress6?: string;
  readonly networkNamespace?: string;
}

export interface Addressing {
  /** Where API servers listen beside loopback, so that nodes in their own network reach them. */
  readonly bridgeAddress: string | undefined;
  /** Of IPv6, where nodes have both. */
  readonly bridgeAddress6: string | undefined;
  /** The bridge's among the addresses at which nodes answer for Ingresses. */
  readonly ingressBridgeAddress: string | undefined;
  readonly ingressBridgeAddress6: string | undefined;
  /** Addresses of load balancers' own, and the bridge's among them. */
  readonly balancerPool: string | undefined;
  readonly balancerBridgeAddress: string | undefined;
  /** With a comma between those of two families. */
  readonly serviceRange: string;
  readonly podRange: string;
  readonly nodes: readonly NodeSpec[];
}

/** Of each range of nodes' addresses. */
const firstNode = 11;

/** Addresses follow from the network slot; plain processes stay on loopback altogether, where every address of 127/8 binds. */
export function addressing(plan: ClusterPlan): Addressing {
  const names = plan.nodeNames ?? Array.from({ length: plan.nodes }, (_, i) => `node-${i + 1}`);
  const slot = plan.networkSlot;
  if (plan.runtime === "process")
    return {
      bridgeAddress: undefined,
      bridgeAddress6: undefined,
      ingressBridgeAddress: undefined,
      ingressBridgeAddress6: undefined,
      balancerPool: undefined,
      balancerBridgeAddress: undefined,
      serviceRange: `127.${96 + slot}.0.0/16`,
      podRange: `127.${128 + slot}.0.0/16`,
      nodes: names.map((name, i) => ({
        name,
        address: "127.0.0.1",
        ingressAddress: `127.${64 + slot}.0.${firstNode + i}`,
      })),
    };
  const isDual = plan.dualStack ?? false;
  const both = (v4: string, v6: string) => (isDual ? `${v4},${v6}` : v4);
  const nodes = names.map((name, i) => ({
    name,
    address: `10.${200 + slot}.0.${firstNode + i}`,
    ...(isDual && { address6: `fd00:10:${200 + slot}::${firstNode + i}` }),
    ingressAddress: `10.${200 + slot}.1.${firstNode + i}`,
    ...(isDual && { ingressAddress6: `fd00:10:${200 + slot}:1::${firstNode + i}` }),
    networkNamespace: `pintle${slot}-${name}`,
  }));
  return {
    bridgeAddress: `10.${200 + slot}.0.1`,
    bridgeAddress6: isDual ? `fd00:10:${200 + slot}::1` : undefined,
    ingressBridgeAddress: `10.${200 + slot}.1.1`,
    ingressBridgeAddress6: isDual ? `fd00:10:${200 + slot}:1::1` : undefined,
    balancerPool: both(
      `10.${200 + slot}.2.${firstNode}-10.${200 + slot}.2.250`,
      `fd00:10:${200 + slot}::2:1-fd00:10:${200 + slot}::2:fa`,
    ),
    balancerBridgeAddress: `10.${200 + slot}.2.1`,
    serviceRange: both("10.96.0.0/16", "fd00:10:96::/112"),
    podRange: both(`10.${220 + slot}.0.0/16`, `fd00:10:${220 + slot}::/56`),
    nodes,
  };
}

/** The names of the ports a plan needs; each is chosen once and kept. */
export function portNames(plan: Pick<ClusterPlan, "replicas" | "nodes">): string[] {
  const numbered = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`);
  return [
    ...numbered("store-client", plan.replicas),
    ...numbered("store-peer", plan.replicas),
    ...numbered("store-metrics", plan.replicas),
    ...numbered("api", standbys(plan)),
    ...numbered("scheduler", standbys(plan)),
    ...numbered("controller-manager", standbys(plan)),
    ...numbered("agent", plan.nodes),
  ];
}

/** API servers, schedulers and controller-managers: two of each, one where there is only one replica. */
export function standbys(plan: Pick<ClusterPlan, "replicas">): number {
  return Math.min(plan.replicas, 2);
}

export function port(plan: ClusterPlan, name: string): number {
  const found = plan.ports[name];
  if (found === undefined) throw new Error(`no port was chosen for ${name}`);
  return found;
}

/** Whether nodes answer DNS themselves. */
function hasOwnDns(plan: ClusterPlan): boolean {
  return plan.clusterDns === undefined || plan.clusterDns.length === 0;
}

export function apiUrls(plan: ClusterPlan, host: string): string[] {
  return Array.from({ length: standbys(plan) }, (_, i) => `https://${host}:${port(plan, `api-${i + 1}`)}`);
}

export function components(plan: ClusterPlan, layout: Layout): ComponentSpec[] {
  const count = standbys(plan);
  const control =
    plan.replicas === 1
      ? [serverSpec(plan, layout)]
      : [
          ...Array.from({ length: plan.replicas }, (_, i) => storeSpec(plan, layout, i + 1)),
          ...Array.from({ length: count }, (_, i) => apiserverSpec(plan, layout, i + 1)),
          ...Array.from({ length: count }, (_, i) => schedulerSpec(plan, layout, i + 1)),
          ...Array.from({ length: count }, (_, i) => controllerManagerSpec(plan, layout, i + 1)),
        ];
  return [...control, ...addressing(plan).nodes.map((node, i) => agentSpec(plan, layout, node, i + 1))];
}

function storeFlags(plan: ClusterPlan, layout: Layout, number: number): string[] {
  const clientUrl = `https://127.0.0.1:${port(plan, `store-client-${number}`)}`;
  const peerUrl = (n: number) => `https://127.0.0.1:${port(plan, `store-peer-${n}`)}`;
  const cluster = Array.from({ length: plan.replicas }, (_, i) => `store-${i + 1}=${peerUrl(i + 1)}`).join(
    ",",
  );
  return [
    `--name=store-${number}`,
    `--data-dir=${layout.store(`store-${number}`)}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl(number)}`,
    `--initial-advertise-peer-urls=${peerUrl(number)}`,
    `--initial-cluster=${cluster}`,
    `--listen-metrics-urls=${metricsHosts(plan)
      .map((host) => `http://${host}:${port(plan, `store-metrics-${number}`)}`)
      .join(",")}`,
    ...storePkiFlags(layout),
    ...storeTracingWords(plan, `store-${number}`),
    // Half as many wake-ups of idle members as etcd's 100 ms; a dead leader is noticed by its broken connections anyway.
    "--heartbeat-interval=200",
    "--election-timeout=1000",
    "--client-cert-auth=true",
    "--peer-client-cert-auth=true",
  ];
}

function storeSpec(plan: ClusterPlan, layout: Layout, number: number): ComponentSpec {
  return {
    name: `store-${number}`,
    kind: "store",
    argv: ["store", ...storeFlags(plan, layout, number)],
    readyUrl: `http://127.0.0.1:${port(plan, `store-metrics-${number}`)}/health`,
  };
}

function apiserverFlags(plan: ClusterPlan, layout: Layout, number: number): string[] {
  const net = addressing(plan);
  const storeUrls = Array.from(
    { length: plan.replicas },
    (_, i) => `https://127.0.0.1:${port(plan, `store-client-${i + 1}`)}`,
  );
  return [
    `--bind-address=${["127.0.0.1", ...(net.bridgeAddress ? [net.bridgeAddress] : [])].join(",")}`,
    `--advertise-address=${net.bridgeAddress ?? "127.0.0.1"}`,
    `--secure-port=${port(plan, `api-${number}`)}`,
    ...apiserverPkiFlags(layout),
    `--etcd-servers=${storeUrls.join(",")}`,
    `--service-cluster-ip-range=${net.serviceRange}`,
    // Who brings a DNS of their own brings its Service too.
    ...(hasOwnDns(plan) ? [] : ["--kube-dns-service=false"]),
    `--resource-metrics=${plan.resourceMetrics ?? true}`,
    ...(plan.customMetrics ?? []),
    ...tracingWords(plan, layout, "here"),
    "--log-search",
    ...(plan.featureGates ?? []).map((gate) => `--feature-gates=${gate}`),
    ...auditWords(plan, layout, number),
    ...apiserverShipping(plan, layout, number),
  ];
}

function apiserverSpec(plan: ClusterPlan, layout: Layout, number: number): ComponentSpec {
  return {
    name: `apiserver-${number}`,
    kind: "apiserver",
    argv: ["apiserver", ...apiserverFlags(plan, layout, number)],
    readyUrl: `https://127.0.0.1:${port(plan, `api-${number}`)}/readyz`,
  };
}

/** Where the control plane's metrics are served. */
function metricsHosts(plan: ClusterPlan): readonly string[] {
  const { bridgeAddress } = addressing(plan);
  return plan.publishMetrics && bridgeAddress !== undefined ? ["127.0.0.1", bridgeAddress] : ["127.0.0.1"];
}

/** Short leases: a laptop has no slow network to forgive, and losing a leader should cost seconds. */
const leaderFlags = [
  "--leader-elect-lease-duration=8s",
  "--leader-elect-renew-deadline=6s",
  "--leader-elect-retry-period=2500ms",
];

function schedulerFlags(plan: ClusterPlan, layout: Layout, number: number): string[] {
  return [
    `--kubeconfig=${layout.kubeconfigOf("scheduler")}`,
    ...tracingWords(plan, layout, "here"),
    `--bind-address=${metricsHosts(plan).join()}`,
    `--secure-port=${port(plan, `scheduler-${number}`)}`,
    ...(plan.replicas === 1 ? ["--leader-elect=false"] : leaderFlags),
  ];
}

function schedulerSpec(plan: ClusterPlan, layout: Layout, number: number): ComponentSpec {
  return {
    name: `scheduler-${number}`,
    kind: "scheduler",
    argv: ["scheduler", ...schedulerFlags(plan, layout, number)],
    readyUrl: `http://127.0.0.1:${port(plan, `scheduler-${number}`)}/healthz`,
  };
}

function controllerManagerFlags(plan: ClusterPlan, layout: Layout, number: number): string[] {
  return [
    `--kubeconfig=${layout.kubeconfigOf("controller-manager")}`,
    `--bind-address=${metricsHosts(plan).join()}`,
    `--secure-port=${port(plan, `controller-manager-${number}`)}`,
    "--allocate-node-cidrs=true",
    `--cluster-cidr=${addressing(plan).podRange}`,
    ...controllerManagerPkiFlags(layout),
    "--service-load-balancer=nodes",
    // Nodes are no machines that anybody logs in to.
    "--service-load-balancer-kept-ports=",
    ...managerShipping(plan),
    ...poolFlags(plan),
    ...(plan.replicas === 1 ? ["--leader-elect=false"] : leaderFlags),
  ];
}

/** For who gives the addresses and for who answers at them. */
function poolFlags(plan: ClusterPlan): string[] {
  const { balancerPool } = addressing(plan);
  return balancerPool === undefined ? [] : [`--service-load-balancer-pool=${balancerPool}`];
}

function controllerManagerSpec(plan: ClusterPlan, layout: Layout, number: number): ComponentSpec {
  return {
    name: `controller-manager-${number}`,
    kind: "controller-manager",
    argv: ["controller-manager", ...controllerManagerFlags(plan, layout, number)],
    readyUrl: `http://127.0.0.1:${port(plan, `controller-manager-${number}`)}/healthz`,
  };
}

/** One process holds a whole control-plane replica: `pintle server` takes each part's flags behind its name. */
function serverSpec(plan: ClusterPlan, layout: Layout): ComponentSpec {
  const prefixed = (part: string, flags: readonly string[]) =>
    flags.map((flag) => flag.replace(/^--/, `--${part}.`));
  return {
    name: "server-1",
    kind: "server",
    argv: [
      "server",
      ...prefixed("store", storeFlags(plan, layout, 1)),
      ...prefixed("apiserver", apiserverFlags(plan, layout, 1)),
      ...prefixed("scheduler", schedulerFlags(plan, layout, 1)),
      ...prefixed("controller-manager", controllerManagerFlags(plan, layout, 1)),
    ],
    readyUrl: `https://127.0.0.1:${port(plan, "api-1")}/readyz`,
  };
}

const evictionHard = [
  "memory.available<100Mi",
  ...["nodefs", "imagefs"].flatMap((disk) => [`${disk}.available<1Gi`, `${disk}.inodesFree<1%`]),
  "pid.available<5%",
].join();

export function agentSpec(plan: ClusterPlan, layout: Layout, node: NodeSpec, number: number): ComponentSpec {
  const agentPort = plan.runtime === "process" ? port(plan, `agent-${number}`) : 10250;
  return {
    name: node.name,
    kind: "agent",
    argv: [
      "agent",
      `--node-name=${node.name}`,
      `--kubeconfig=${layout.kubeconfigOf(node.name)}`,
      `--root-dir=${layout.node(node.name)}`,
      `--image-layers-dir=${layout.imageLayers}`,
      `--registries-file=${layout.registries}`,
      // All components of the machine log there: one node finds them.
      ...(number === 1
        ? [`--component-logs=${layout.logs}`, ...searchedAuditWords(plan, layout, standbys(plan))]
        : []),
      `--runtime=${plan.runtime}`,
      ...tracingWords(plan, layout, "nodes"),
      // A cluster of one's own machine, for trying: its pods may be made of what is installed here.
      "--allow-host-image",
      // Several nodes share its disk, which may be fuller than a server's should be.
      `--eviction-hard=${evictionHard}`,
      `--host-image-hide=${layout.folder}`,
      `--node-ip=${[node.address, node.address6 ?? []].flat().join(",")}`,
      `--address=${node.address}`,
      `--ingress-address=${[node.ingressAddress, node.ingressAddress6 ?? []].flat().join(",")}`,
      `--port=${agentPort}`,
      `--tls-cert-file=${join(layout.pki, `node-${node.name}.pem`)}`,
      `--tls-private-key-file=${join(layout.pki, `node-${node.name}-key.pem`)}`,
      `--client-ca-file=${join(layout.pki, "ca.pem")}`,
      `--cluster-cidr=${addressing(plan).podRange}`,
      `--service-cluster-ip-range=${addressing(plan).serviceRange}`,
      ...poolFlags(plan),
      ...(hasOwnDns(plan) ? [] : [`--cluster-dns=${plan.clusterDns?.join(",")}`]),
      ...(plan.proxyMode === undefined ? [] : [`--proxy-mode=${plan.proxyMode}`]),
      ...agentShipping(plan, number),
    ],
    ...(node.networkNamespace === undefined ? {} : { networkNamespace: node.networkNamespace }),
  };
}
