import { heldRequests } from "../../../../client/rules/pod-requests.ts";
import type { Pod } from "../../../../client/types.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { amountOf } from "./amounts.ts";

/** How much of a node is there, asked for, and used. Pure. */
export interface Share {
  readonly resource: "cpu" | "memory" | "pods";
  readonly all: number;
  readonly requested: number;
  /** Undefined: nobody measured it. */
  readonly used: number | undefined;
}

export interface NodeUse {
  readonly name: string;
  readonly state: string;
  readonly version: string;
  readonly shares: readonly Share[];
}

interface Held {
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
}

/** What one pod holds; an object that did not change is not worked out again. */
const known = new WeakMap<KubeObject, Held>();

function heldBy(pod: KubeObject): Held {
  let held = known.get(pod);
  if (held === undefined) {
    held = worked(pod);
    known.set(pod, held);
  }
  return held;
}

function worked(pod: KubeObject): Held {
  try {
    const { cpu = 0, memory = 0 } = heldRequests(pod as unknown as Pod);
    return { cpu: cpu / 1000, memory, pods: 1 };
  } catch {
    // A quantity that is none: it is a pod all the same.
    return { cpu: 0, memory: 0, pods: 1 };
  }
}

/** By node. Pods that ended hold nothing. */
export function heldByNode(pods: Iterable<KubeObject>): ReadonlyMap<string, Held> {
  const sums = new Map<string, { cpu: number; memory: number; pods: number }>();
  for (const pod of pods) {
    const { nodeName } = (pod.spec ?? {}) as { readonly nodeName?: string };
    const { phase } = (pod.status ?? {}) as { readonly phase?: string };
    if (!nodeName || phase === "Succeeded" || phase === "Failed") continue;
    const sum = sums.get(nodeName) ?? { cpu: 0, memory: 0, pods: 0 };
    const { cpu, memory } = heldBy(pod);
    sum.cpu += cpu;
    sum.memory += memory;
    sum.pods++;
    sums.set(nodeName, sum);
  }
  return sums;
}

export type Usage = Readonly<Record<string, string>>;

/** Nodes with their bars; those that are not ready first, then by name. */
export function nodeUses(
  nodes: Iterable<KubeObject>,
  held: ReadonlyMap<string, Held> | undefined,
  usage: ReadonlyMap<string, Usage>,
): readonly NodeUse[] {
  const uses = [...nodes].map(({ metadata: { name }, spec, status }): NodeUse => {
    const room = (status?.allocatable ?? {}) as Readonly<Record<string, string>>;
    const used = usage.get(name);
    const holds = held?.get(name) ?? { cpu: 0, memory: 0, pods: 0 };
    const { kubeletVersion = "" } = (status?.nodeInfo ?? {}) as { readonly kubeletVersion?: string };
    return {
      name,
      state: stateOf(status, spec?.unschedulable === true),
      version: kubeletVersion,
      shares: (["cpu", "memory", "pods"] as const).map((resource) => ({
        resource,
        all: amountOf(room[resource]),
        requested: holds[resource],
        used: resource === "pods" ? holds.pods : used && amountOf(used[resource]),
      })),
    };
  });
  const rank = ({ state }: NodeUse) => (state.startsWith("Ready") ? 1 : 0);
  return uses.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "en", { numeric: true }));
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

function stateOf(status: KubeObject["status"], isCordoned: boolean): string {
  const conditions = (Array.isArray(status?.conditions) ? status.conditions : []) as readonly Condition[];
  const isReady = conditions.some(({ type, status: is }) => type === "Ready" && is === "True");
  const troubles = conditions
    .filter(({ type, status: is }) => /Pressure$|Unavailable$/.test(type) && is === "True")
    .map(({ type }) => type);
  return [isReady ? "Ready" : "NotReady", ...(isCordoned ? ["SchedulingDisabled"] : []), ...troubles].join(
    ", ",
  );
}
