import type { IpSpan } from "../base/ip-spans.ts";
import type { Os, Running } from "../base/os/os.ts";
import type { ApiClient } from "../client/api.ts";
import type { InformerFactory } from "../client/informer.ts";
import type { PodNetworkBackend } from "./network/peers/plan-peers.ts";

/** What the agent asks of networking. The agent owns this file; agent/network/ implements it. "The node" is the network
 *  namespace in which the agent itself runs: the host's, or one made for this agent. */

/** A port of a container that is also to be reached on the node's own address. */
export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Absent or empty: on every address of the node. */
  readonly hostIp?: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** A pod that is to be connected. Pods with `hostNetwork` never come here: they live in the node's own namespace. */
export interface PodAttachment {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Unique per sandbox: a pod whose sandbox died gets a new one, hence a new attachment. */
  readonly sandboxId: string;
  /** A path that setns(2) takes, such as /proc/1234/ns/net; `lo` in it is up. Undefined where pods share the node's
   *  namespace (process runtime). */
  readonly netnsPath?: string;
  readonly hostPorts: readonly HostPort[];
  /** What it asks names of, for networks that want to know. */
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  /** As its annotations have it. */
  readonly bandwidth?: Bandwidth;
}

/** How much a pod may receive and send: quantities of bits a second. */
export interface Bandwidth {
  readonly ingress?: string;
  readonly egress?: string;
}

export interface PodAddress {
  readonly podIp: string;
  /** Empty where the network has none. */
  readonly gateway: string;
  /** Of the other family. */
  readonly secondIp?: string;
}

/** An attachment made by an agent that has died since. */
export interface KnownAttachment extends PodAttachment, PodAddress {}

/** Begins what `attach` says where there is no network yet, as a kubelet says it: pods wait for one that somebody installs. */
export const networkNotReady = "network is not ready";

/** Connects pods. All methods are idempotent; calls for different sandboxes may overlap. */
export interface PodNetwork {
  /** Gives the pod its address and makes it reachable. Rejects with an Error whose message a user can act on; what was
   *  half made is then undone. Called again with the same sandboxId it answers the same address. */
  attach(pod: PodAttachment): Promise<PodAddress>;
  /** Frees the address and everything made for it. Fine when nothing is there, or the namespace is already gone. */
  detach(pod: Pick<PodAttachment, "sandboxId" | "uid">): Promise<void>;
  /** Called once, before any attach: takes over what is still connected and forgets (cleans up) everything else.
   *  Answers the sandboxIds of those that cannot be taken over; the agent then makes those pods new sandboxes. */
  restore(known: readonly KnownAttachment[]): Promise<readonly string[]>;
  /** The second address of a sandbox that is connected, where a network gives two. */
  secondIpOf?(sandboxId: string): string | undefined;
}

/** A node's network in one family of addresses. */
export interface FamilyNetwork {
  /** This node's address, as in node.status.addresses; undefined where it has none of the family. */
  readonly nodeIp?: string;
  /** The node's own range of pod addresses (of node.spec.podCIDRs), such as 10.244.1.0/24; empty where plugins have addresses of
   *  their own. */
  readonly podCidr: string;
  /** All pods' range, when known: what leaves it is masqueraded. */
  readonly clusterCidr?: string;
  /** The services' range, when known. */
  readonly serviceCidr?: string;
  /** The cluster's DNS, where this node answers it itself: no Service at this address is proxied here. */
  readonly dnsAddress?: string;
}

/** What leads to Services in the kernel. */
export type ProxyMode = "nftables" | "iptables" | "ipvs";
export const proxyModes = ["nftables", "iptables", "ipvs"] as const satisfies readonly ProxyMode[];

/** What is said of no family is IPv4's, which every node has. */
export interface NodeNetworkConfig extends FamilyNetwork {
  readonly nodeName: string;
  readonly nodeIp: string;
  /** Present where the node's pods have IPv6 addresses, too. Not in mode "loopback". */
  readonly v6?: FamilyNetwork;
  /** Ranges of the node's addresses at which node ports are served; absent: all. */
  readonly nodePortRanges?: readonly string[];
  /** Addresses of load balancers that nodes answer at one at a time, of either family. Only what Services ask for
   *  is to be had there. */
  readonly balancerPool?: readonly IpSpan[];
  /** Absent: nftables, or this process where the node has none. */
  readonly proxyMode?: ProxyMode;
  /** In proxy mode "ipvs": how an endpoint is picked; `rr` by default. */
  readonly ipvsScheduler?: string;
  /** A folder of its own for state (address leases). Made by the agent. */
  readonly stateDir: string;
  /** "bridge": root, each pod in its own namespace. "cni": the same, connected by CNI plugins. "loopback": pods are processes
   *  on 127.x addresses. */
  readonly mode: "bridge" | "cni" | "loopback";
  /** In mode "bridge": how other nodes' pods are reached; "auto" by default. */
  readonly backend?: PodNetworkBackend;
  /** In mode "cni": where the network's configuration and its plugins are. */
  readonly cni?: { readonly confDir: string; readonly binDirs: readonly string[] };
}

/** What runs on a node for networking: pods' connections and routes to other nodes' pods, following their Node objects. */
export interface NodeNetwork extends Running {
  readonly pods: PodNetwork;
  /** Makes addresses this node's own, for as long as its agent runs: the next one takes them again, or others. Called once. */
  takeAddresses(addresses: readonly string[]): Promise<void>;
  /** Whether it is the address of a pod that is connected here. */
  hasPodAt(address: string): boolean;
}

/** Exported by agent/network/node-network.ts as `startNodeNetwork`. `informers` are run by the agent. Stopping leaves pods
 *  connected. */
export type StartNodeNetwork = (
  config: NodeNetworkConfig,
  deps: { readonly os: Os; readonly client: ApiClient; readonly informers: InformerFactory },
) => Promise<NodeNetwork>;

/** Exported by agent/network/service-proxy.ts as `startServiceProxy`: ClusterIPs and NodePorts on this node, following
 *  Services and EndpointSlices, by `proxyMode`; in "loopback" mode in user space. Rejects with a UsageError where the node cannot
 *  do what is asked for. */
export type StartServiceProxy = (
  config: NodeNetworkConfig,
  deps: { readonly os: Os; readonly client: ApiClient; readonly informers: InformerFactory },
) => Promise<Running>;
