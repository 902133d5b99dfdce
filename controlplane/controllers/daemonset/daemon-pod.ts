import { requiredNodes } from "../../../client/rules/node-selector.ts";
import { untolerated } from "../../../client/rules/tolerations.ts";
import type { DaemonSet, Draft, Node, Pod, PodSpec, Toleration } from "../../../client/types.ts";
import { podFromTemplate } from "../pod-template.ts";

export const revisionLabel = "controller-revision-hash";

const taint = (name: string, effect: string): Toleration => ({
  key: `node.kubernetes.io/${name}`,
  operator: "Exists",
  effect,
});
/** A daemon stays on a node in trouble: it may be there to mend it. */
const daemonTolerations: readonly Toleration[] = [
  taint("not-ready", "NoExecute"),
  taint("unreachable", "NoExecute"),
  taint("disk-pressure", "NoSchedule"),
  taint("memory-pressure", "NoSchedule"),
  taint("pid-pressure", "NoSchedule"),
  taint("unschedulable", "NoSchedule"),
];

/** The pod for one node, of the template whose hash is given. Pure. */
export function daemonPod(daemonSet: DaemonSet, node: string, name: string, hash: string): Draft<Pod> {
  const pod = podFromTemplate(daemonSet.spec.template, daemonSet, name, {
    labels: { [revisionLabel]: hash },
  });
  return {
    ...pod,
    spec: { ...pod.spec, tolerations: tolerationsOf(daemonSet), affinity: affinityFor(pod.spec, node) },
  };
}

function tolerationsOf({ spec }: DaemonSet): Toleration[] {
  const own = spec.template.spec?.tolerations ?? [];
  const added = [
    ...daemonTolerations,
    ...(spec.template.spec?.hostNetwork === true ? [taint("network-unavailable", "NoSchedule")] : []),
  ];
  const isThere = (one: Toleration) =>
    own.some(
      ({ key, effect, operator }) => key === one.key && effect === one.effect && operator === "Exists",
    );
  return [...own, ...added.filter((one) => !isThere(one))];
}

/** The node's name is required in place of whatever nodes the template requires: those were checked already. */
function affinityFor(spec: PodSpec, node: string): NonNullable<PodSpec["affinity"]> {
  return {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
      },
    },
  };
}

/** The node a pod is on or made for. */
export function nodeOfDaemonPod({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms
    ?.flatMap(({ matchFields }) => matchFields ?? [])
    .find(({ key, operator }) => key === "metadata.name" && operator === "In")?.values?.[0];
}

/** May a pod of the DaemonSet come to this node, and may one that is there stay? */
export function fitOf(daemonSet: DaemonSet, node: Node): { readonly run: boolean; readonly stay: boolean } {
  const spec = daemonSet.spec.template.spec ?? { containers: [] };
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return { run: false, stay: false };
  const labels = node.metadata.labels ?? {};
  if (requiredNodes(spec)?.({ name: node.metadata.name, labels }) === false)
    return { run: false, stay: false };
  const taints = node.spec?.taints ?? [];
  const tolerations = tolerationsOf(daemonSet);
  if (untolerated(taints, tolerations, ["NoExecute"]) !== undefined) return { run: false, stay: false };
  return { run: untolerated(taints, tolerations, ["NoSchedule"]) === undefined, stay: true };
}
