import { resources } from "../resources.ts";
import { requiredNodes } from "../rules/node-selector.ts";
import { tolerated } from "../rules/tolerations.ts";
import type { DaemonSet, Node, Pod, StatefulSet } from "../types.ts";
import { explainPod, isReadyPod, isWellPod } from "./explain-pod.ts";
import type { Facts } from "./facts.ts";
import { type Evidence, type Finding, finding, leadsTo, stands, wordsOf, worked } from "./finding.ts";
import { refusalFinding } from "./refusals.ts";
import { podFindings, podsOf } from "./workloads.ts";

const ordinalOf = ({ metadata }: Pod): number => Number(/-(\d+)$/.exec(metadata.name)?.[1] ?? Number.NaN);

/** Of pods that are made one after the other, the first that holds up the rest. */
export function explainStatefulSet(set: StatefulSet, facts: Facts): readonly Finding[] {
  const wanted = set.spec?.replicas ?? 1;
  const words = wordsOf(set);
  if (wanted === 0)
    return [
      finding("scaled-to-zero", set, "it is to have no pods: replicas is 0", {
        evidence: [stands(set, "spec.replicas", 0)],
        change: ["a larger spec.replicas"],
        next: [`kubectl scale ${words} --replicas 1`],
      }),
    ];
  const pods = [...podsOf(set, facts)].sort((a, b) => ordinalOf(a) - ordinalOf(b));
  const refused = pods.length < wanted ? refusalFinding(set, facts) : undefined;
  if (refused !== undefined) return [refused];
  const isOrdered = (set.spec?.podManagementPolicy ?? "OrderedReady") === "OrderedReady";
  const blocking = pods.find((pod) => !isWellPod(pod, facts.nowMs));
  if (blocking === undefined) {
    if (pods.length >= wanted) return [...staleFindings(set, pods), ...namesFindings(set, facts)];
    return [
      finding("no-pods-yet", set, `it has made ${pods.length} of ${wanted} pods yet`, {
        next: [`kubectl describe ${words}`],
      }),
    ];
  }
  if (!isOrdered) return podFindings(pods, facts);
  const after = wanted - pods.filter(isReadyPod).length - 1;
  const held = after > 0 ? ` holds up ${after} more` : " is not ready";
  const evidence: readonly Evidence[] = [
    stands(set, "spec.podManagementPolicy", "OrderedReady: each pod waits for the one before it"),
    worked(`${pods.length} of ${wanted} pods are made`),
  ];
  const found = explainPod(blocking, facts);
  return (
    found.length > 0
      ? found
      : [
          finding("ordinal-blocks", blocking, "it is not ready", {
            next: [`kubectl describe ${wordsOf(blocking)}`],
          }),
        ]
  ).map((one) => leadsTo(`its pod ${blocking.metadata.name}${held}`, one, evidence));
}

/** Without its Service no pod of it has a name in DNS. */
function namesFindings(set: StatefulSet, facts: Facts): readonly Finding[] {
  const { serviceName } = set.spec ?? {};
  const { namespace } = set.metadata;
  if (!serviceName || facts.find(resources.services, { name: serviceName, namespace }) !== null) return [];
  return [
    finding(
      "headless-service-missing",
      set,
      `its pods have no names in DNS: there is no Service ${serviceName}`,
      {
        evidence: [stands(set, "spec.serviceName", serviceName)],
        change: [`a Service ${serviceName} with clusterIP: None that selects its pods`],
        next: [`kubectl get services -n ${namespace}`],
      },
    ),
  ];
}

/** An update that waits by its partition or strategy is somebody's wish. */
function staleFindings(set: StatefulSet, pods: readonly Pod[]): readonly Finding[] {
  const { currentRevision, updateRevision } = set.status ?? {};
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  const onDelete = set.spec?.updateStrategy?.type === "OnDelete";
  if (currentRevision === updateRevision || (!onDelete && partition === 0)) return [];
  const old = pods.filter(({ metadata }) => metadata.labels?.["controller-revision-hash"] !== updateRevision);
  if (old.length === 0) return [];
  return [
    finding(
      "rollout-slow",
      set,
      `${old.length} of its pods are of the old revision, as its update strategy says`,
      {
        evidence: [stands(set, "spec.updateStrategy", set.spec?.updateStrategy ?? {})],
        change: [onDelete ? "they are deleted" : "a smaller partition"],
        next: [`kubectl rollout status ${wordsOf(set)}`],
      },
    ),
  ];
}

const nodesShown = 10;

/** Which nodes have no pod of a DaemonSet, and why. */
export function explainDaemonSet(set: DaemonSet, facts: Facts): readonly Finding[] {
  const pods = podsOf(set, facts);
  const nodes = facts.list(resources.nodes);
  const words = wordsOf(set);
  const refused = refusalFinding(set, facts);
  if (refused !== undefined && pods.length < (set.status?.desiredNumberScheduled ?? 0)) return [refused];
  const found = podFindings(pods, facts);
  if (found.length > 0 || nodes === undefined) return found;
  const spec = set.spec?.template.spec;
  const without = nodes.filter(({ metadata }) => !pods.some((pod) => nodeOf(pod) === metadata.name));
  const whys = without.map((node) => [node, spec === undefined ? undefined : whyNot(node, spec)] as const);
  const lines = whys
    .slice(0, nodesShown)
    .map(([node, why]) => worked(`node ${node.metadata.name}: ${why ?? "it is for it, and has none"}`));
  const missing = whys.filter(([, why]) => why === undefined);
  const next = [`kubectl describe ${words}`, "kubectl get nodes --show-labels"];
  if (missing.length > 0)
    return [
      finding(
        "daemon-missing",
        set,
        `it lacks pods on ${missing.length} of ${nodes.length} nodes that it is for, such as ${missing[0]?.[0].metadata.name}`,
        {
          evidence: lines,
          change: ["the controller manager runs and leads"],
          next,
        },
      ),
    ];
  if (nodes.length > 0 && without.length === nodes.length)
    return [
      finding("daemon-no-nodes", set, `it is for none of ${nodes.length} nodes: ${whys[0]?.[1] ?? ""}`, {
        evidence: [stands(set, "spec.template.spec.nodeSelector", spec?.nodeSelector ?? {}), ...lines],
        change: ["nodes with these labels, or tolerations of their taints"],
        next,
      }),
    ];
  if (without.length === 0) return [];
  const on = nodes.length - without.length;
  return [
    finding("daemon-some-nodes", set, `it is on ${on} of ${nodes.length} nodes, and not for the others`, {
      evidence: lines,
      next,
    }),
  ];
}

/** A pod that has no node yet is made for one by name. */
function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms[0]?.matchFields?.[0]?.values?.[0];
}

function whyNot(
  { metadata, spec: node }: Node,
  spec: NonNullable<DaemonSet["spec"]>["template"]["spec"],
): string | undefined {
  if (spec === undefined) return undefined;
  const wanted = requiredNodes(spec);
  if (wanted !== undefined && !wanted({ name: metadata.name, labels: metadata.labels ?? {} }))
    return "its labels do not match the node selector";
  const daemonTaints = ["node.kubernetes.io/"];
  const taint = (node?.taints ?? []).find(
    (one) =>
      one.effect !== "PreferNoSchedule" &&
      !daemonTaints.some((prefix) => one.key.startsWith(prefix)) &&
      !tolerated(one, spec.tolerations ?? []),
  );
  return taint === undefined
    ? undefined
    : `its taint ${taint.key}${taint.value ? `=${taint.value}` : ""}:${taint.effect} is not tolerated`;
}
