import type { KubeObject } from "../api/object-feed.ts";

/** What a drain does not do unless it is told to. */
export type DrainTick = "unmanaged" | "emptyDir";
export type DrainTicks = ReadonlySet<DrainTick>;

/** What becomes of a pod when its node is drained. */
export type DrainPlan =
  | { readonly is: "evict"; readonly note: string }
  | { readonly is: "stays"; readonly why: string }
  | { readonly is: "needs"; readonly ticks: readonly DrainTick[]; readonly why: string };

const mirrorAnnotation = "kubernetes.io/config.mirror";

interface Volume {
  readonly name?: string;
  readonly emptyDir?: unknown;
}

export const podKey = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;

/** As `kubectl drain` decides. Pure.
 *  @param lostDaemonSets those that pods name as their own and that are not there, as `namespace/name` */
export function planFor(pod: KubeObject, ticks: DrainTicks, lostDaemonSets: ReadonlySet<string>): DrainPlan {
  const { metadata, spec, status } = pod;
  const controller = metadata.ownerReferences?.find((owner) => owner.controller);
  const isOver = status?.phase === "Succeeded" || status?.phase === "Failed";
  const isOfDaemonSet = controller?.kind === "DaemonSet";
  const isLost = isOfDaemonSet && lostDaemonSets.has(`${metadata.namespace}/${controller.name}`);
  if (isOfDaemonSet && !isOver && !isLost)
    return { is: "stays", why: `DaemonSet ${controller.name} would put it there again` };
  if (metadata.annotations && Object.hasOwn(metadata.annotations, mirrorAnnotation))
    return { is: "stays", why: "its node runs it by itself (a static pod)" };
  if (isOver) return { is: "evict", note: "it is over" };
  const volumes = ((spec?.volumes ?? []) as readonly Volume[]).filter(
    ({ emptyDir }) => emptyDir !== undefined,
  );
  const unmanaged =
    controller === undefined
      ? "nobody makes it anew elsewhere"
      : isLost
        ? `its DaemonSet ${controller.name} is not there any more`
        : undefined;
  const emptied =
    volumes.length > 0 ? `what is in ${volumes.map(({ name }) => name).join(", ")} is lost` : undefined;
  const needed: [DrainTick, string][] = [
    ...(emptied ? [["emptyDir", emptied] as [DrainTick, string]] : []),
    ...(unmanaged ? [["unmanaged", unmanaged] as [DrainTick, string]] : []),
  ];
  const missing = needed.filter(([tick]) => !ticks.has(tick)).map(([tick]) => tick);
  const why = needed.map(([, text]) => text).join(", and ");
  return missing.length > 0 ? { is: "needs", ticks: missing, why } : { is: "evict", note: why };
}

/** Where a pod of a drain under way stands. */
export type DrainStep =
  | { readonly is: "asking" }
  /** A budget does not let it go now; it is asked again. */
  | { readonly is: "blocked"; readonly why: string; readonly retryMs: number }
  /** It was evicted, and takes its time. */
  | { readonly is: "ending" }
  | { readonly is: "gone" }
  | { readonly is: "failed"; readonly why: string };

interface Refused {
  readonly code: number;
  readonly message: string;
  readonly causes: readonly { readonly field: string; readonly message: string; readonly reason?: string }[];
}

const retryMs = 5_000;

/** What a refused eviction means. Pure. */
export function stepAfter({ code, message, causes }: Refused): DrainStep {
  // 409: the pod of that name is another one by now.
  if (code === 404 || code === 409) return { is: "gone" };
  if (code === 429) {
    const budget = causes.find(({ reason }) => reason === "DisruptionBudget");
    return { is: "blocked", why: budget?.message ?? message, retryMs };
  }
  if (code === 403 && causes.some(({ reason }) => reason === "NamespaceTerminating")) return { is: "ending" };
  // Nobody answered: the way to the server is broken, not the eviction.
  if (code === 0) return { is: "blocked", why: message, retryMs };
  return { is: "failed", why: message };
}

/** How a drain stands as a whole. Pure. */
export function drainSummary(steps: Iterable<DrainStep>): {
  readonly isOver: boolean;
  readonly text: string;
} {
  const all = [...steps];
  const count = (is: DrainStep["is"]) => all.filter((step) => step.is === is).length;
  const [gone, failed] = [count("gone"), count("failed")];
  const parts = [
    `${gone} of ${all.length} pods are gone`,
    ...(count("blocked") ? [`${count("blocked")} blocked`] : []),
    ...(count("ending") ? [`${count("ending")} ending`] : []),
    ...(failed ? [`${failed} failed`] : []),
  ];
  return { isOver: gone + failed === all.length, text: parts.join(", ") };
}
