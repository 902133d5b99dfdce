import type { Pod } from "../../client/types.ts";
import type { PressureCondition } from "../eviction/signals.ts";
import { wantsAppArmor } from "../sync/security-profiles.ts";
import { lacking, type NodeRoom, type Rejection, rejectionOf } from "./fits-node.ts";
import type { PodPlacement } from "./pod-placement.ts";
import { forbiddenSysctl } from "./sysctls.ts";
import { refusedUnderPressure } from "./under-pressure.ts";

const osLabel = "kubernetes.io/os";

export interface AdmissionRules {
  /** --allowed-unsafe-sysctls. */
  readonly allowedUnsafeSysctls: readonly string[];
  /** Whether containers can be in other groups than their user's own. */
  readonly supplementalGroups: boolean;
  /** Whether the host's kernel has AppArmor switched on. */
  readonly appArmor: boolean;
  /** Whether the node is about to go down. */
  readonly isShuttingDown: () => boolean;
}

/** What a node takes, whoever bound the pod to it: a pod may name its node itself, past every scheduler. */
export class PodAdmission {
  readonly #rules: AdmissionRules;
  readonly #node: () => Promise<NodeRoom>;
  readonly #pressure: () => readonly PressureCondition[];
  readonly #placement: Pick<PodPlacement, "admit" | "forget" | "amounts"> | undefined;
  readonly #admitted = new Map<string, Pod>();

  /** `node` is asked for each pod that comes: labels and taints change. So does `pressure`, what the node is short of. `placement`
   *  gives containers CPUs and devices of their own. */
  constructor(
    rules: AdmissionRules,
    node: () => Promise<NodeRoom>,
    pressure: () => readonly PressureCondition[] = () => [],
    placement?: Pick<PodPlacement, "admit" | "forget" | "amounts">,
  ) {
    this.#rules = rules;
    this.#node = node;
    this.#pressure = pressure;
    this.#placement = placement;
  }

  /** Counts a pod that runs here already; it is not asked anything. */
  take(pod: Pod): void {
    this.#admitted.set(pod.metadata.uid, pod);
  }

  /** Takes the pod, or says why not. */
  async admit(pod: Pod): Promise<Rejection | undefined> {
    const { uid } = pod.metadata;
    if (this.#admitted.has(uid)) return undefined;
    const refused = refusedUnderPressure(pod, this.#pressure()) ?? this.#refused(pod);
    if (refused !== undefined) return refused;
    const node = await this.#roomFor(pod);
    const os = pod.metadata.labels?.[osLabel];
    if (os !== undefined && os !== (node.labels[osLabel] ?? "linux"))
      return {
        reason: "PodOSSelectorNodeLabelDoesNotMatch",
        message: `Failed to admit pod as the \`${osLabel}\` label doesn't match node label`,
      };
    // From here on in one go: two pods that come together must not both get the last of the room.
    const others = [...this.#admitted.values()].filter((other) => other.metadata.uid !== uid);
    const rejection = rejectionOf(pod, others, node);
    if (rejection !== undefined) return rejection;
    this.#admitted.set(uid, pod);
    const unplaced = await this.#placement?.admit(pod);
    if (unplaced !== undefined) this.#admitted.delete(uid);
    return unplaced;
  }

  /** Lets a pod that was taken have other resources, or says why not. */
  async resize(pod: Pod): Promise<Rejection | undefined> {
    const { uid } = pod.metadata;
    const node = await this.#roomFor(pod);
    const others = [...this.#admitted.values()].filter((other) => other.metadata.uid !== uid);
    const rejection = lacking(pod, others, node);
    // From now on it counts for what it was granted; its status still shows what it had.
    const { status: _, ...granted } = pod;
    if (rejection === undefined && this.#admitted.has(uid)) this.#admitted.set(uid, granted);
    return rejection;
  }

  /** The pod ended or went: its room is free. */
  forget(uid: string): void {
    this.#admitted.delete(uid);
    this.#placement?.forget(uid);
  }

  async #roomFor(pod: Pod): Promise<NodeRoom> {
    const node = await this.#node();
    return { ...node, allocatable: { ...node.allocatable, ...this.#placement?.amounts(pod) } };
  }

  #refused(pod: Pod): Rejection | undefined {
    if (this.#rules.isShuttingDown())
      return { reason: "NodeShutdown", message: "Pod was rejected as the node is shutting down." };
    const sysctl = forbiddenSysctl(pod, this.#rules.allowedUnsafeSysctls);
    if (sysctl !== undefined) return { reason: "SysctlForbidden", message: sysctl };
    if (pod.spec.os !== undefined && pod.spec.os.name !== "linux")
      return {
        reason: "PodOSNotSupported",
        message: "Failed to admit pod as the OS field doesn't match node OS",
      };
    if (pod.spec.securityContext?.supplementalGroupsPolicy === "Strict" && !this.#rules.supplementalGroups)
      return {
        reason: "SupplementalGroupsPolicyNotSupported",
        message: "SupplementalGroupsPolicy=Strict is not supported in this node",
      };
    if (wantsAppArmor(pod) && !this.#rules.appArmor)
      return { reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host" };
    return undefined;
  }
}
