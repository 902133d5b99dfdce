/** How a cluster in a test's process speaks with the process that keeps its real nodes (`pintle __nodes`), over Node's channel
 *  between a process and its child. */
export type RealRuntime = "containers" | "processes";

/** What may be asked of the keeper, each with a number; all of one node one after the other. */
export type KeeperOrder =
  /** First, once. Answers with a NodesNetwork.
   *  `log`: what nodes say at this level and above goes to standard error. */
  | { readonly do: "open"; readonly runtime: RealRuntime; readonly log?: string }
  /** Makes room for a node. Answers with its address. */
  | { readonly do: "place"; readonly node: string }
  /** Starts its agent, with the identity that it had before where none is given. It then runs, and is not ready yet. */
  | { readonly do: "boot"; readonly node: string; readonly identity?: NodeIdentity }
  /** Ends its agent and whatever its pods run, at once. Its disk stays. */
  | { readonly do: "halt"; readonly node: string }
  /** Lets this machine reach its pods at these ranges. */
  | { readonly do: "route"; readonly node: string; readonly podRanges: readonly string[] }
  /** The same as `halt`, and forgets it. */
  | { readonly do: "remove"; readonly node: string }
  /** Removes everything; the keeper ends then. It does so by itself when the channel closes. */
  | { readonly do: "close" };

export type NumberedOrder = KeeperOrder & { readonly id: number };

export type KeeperMessage =
  | { readonly id: number; readonly value?: unknown }
  /** `isOutside`: something on the machine is not as it must be. */
  | { readonly id: number; readonly error: string; readonly isOutside: boolean }
  /** An agent ended that nobody had asked to. */
  | { readonly ended: string; readonly why: string };

/** What a cluster's addresses are. */
export interface NodesNetwork {
  /** Where its API server listens, at one port. */
  readonly apiAddresses: readonly string[];
  /** The one of them that pods and nodes use. */
  readonly advertiseAddress: string;
  readonly serviceRange: string;
  readonly podRange: string;
  /** Where the keeper has everything. */
  readonly folder: string;
  /** Flags of the controller manager, where there are load balancers' addresses. */
  readonly controllerFlags: readonly string[];
}

/** Who a node is, and how it registers. All PEM. */
export interface NodeIdentity {
  readonly kubeconfig: string;
  readonly caPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `KEY=VALUE:EFFECT`. */
  readonly taints: readonly string[];
}
