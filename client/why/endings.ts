import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { Node, Pod } from "../types.ts";
import { crashFinding } from "./crashes.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, type Named, stands, wordsOf } from "./finding.ts";
import { isReadyNode, whyNotReady } from "./nodes.ts";

/** Why a pod is over, or does not go; undefined: it is neither. */
export function endingFindings(pod: Pod, facts: Facts): readonly Finding[] | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return [goingFinding(pod, facts)];
  const { phase, reason, message } = pod.status ?? {};
  if (phase === "Succeeded") return [];
  if (phase !== "Failed") return undefined;
  const next = [`kubectl logs ${pod.metadata.name} -n ${pod.metadata.namespace} --all-containers`];
  if (reason === "Evicted")
    return [
      finding("evicted", pod, `its node ${pod.spec.nodeName} evicted it: ${message ?? ""}`, {
        evidence: [stands(pod, "status.reason", reason)],
        change: ["fewer or smaller pods on its node, or requests and limits that hold"],
        next: [`kubectl describe node ${pod.spec.nodeName}`, ...next],
      }),
    ];
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const ended = [
    ...initContainerStatuses.map((status) => ({
      status,
      field: `status.initContainerStatuses[${status.name}]`,
      isInit: true,
    })),
    ...containerStatuses.map((status) => ({
      status,
      field: `status.containerStatuses[${status.name}]`,
      isInit: false,
    })),
  ].filter(({ status: { state } }) => state?.terminated !== undefined && state.terminated.exitCode !== 0);
  if (ended.length > 0 && reason === undefined)
    return ended.map((one) => crashFinding({ pod, ...one }, facts));
  return [
    finding(
      "pod-failed",
      pod,
      `it failed for good${reason ? `: ${reason}` : ""}${message ? `: ${message}` : ""}`,
      {
        evidence: [stands(pod, "status.phase", phase)],
        next,
      },
    ),
  ];
}

function goingFinding(pod: Pod, facts: Facts): Finding {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  const endMs = Date.parse(String(deletionTimestamp));
  if (facts.nowMs < endMs)
    return finding(
      "pod-ending",
      pod,
      `it is being deleted, and has ${Math.ceil((endMs - facts.nowMs) / 1000)} s left of ${deletionGracePeriodSeconds} s`,
      {
        evidence: [stands(pod, "metadata.deletionTimestamp", String(deletionTimestamp))],
        next: [`kubectl get ${wordsOf(pod)} -w`],
      },
    );
  const stuck = finalizerFinding(pod);
  if (stuck !== undefined) return stuck;
  const { nodeName } = pod.spec;
  const node = nodeName === undefined ? undefined : facts.find(resources.nodes, { name: nodeName });
  if (node !== undefined && !isReadyNode(node))
    return finding(
      "pod-not-ending",
      node ?? pod,
      `it is deleted, but its node ${nodeName} does not answer, so nobody knows whether it still runs`,
      {
        evidence: [
          node === null ? stands(pod, "spec.nodeName", `${nodeName}, which is gone`) : whyNotReady(node),
        ],
        next: nextOfUnanswered(pod, node),
      },
    );
  return finding("pod-not-ending", pod, "it is deleted, and its node has not finished with it", {
    evidence: [stands(pod, "metadata.deletionTimestamp", String(deletionTimestamp))],
    next: [`kubectl describe ${wordsOf(pod)}`, `kubectl describe node ${nodeName}`],
  });
}

function nextOfUnanswered(pod: Pod, node: Node | null): readonly string[] {
  const force = `kubectl delete ${wordsOf(pod)} --force    # once the node is surely off`;
  // The pod garbage collector removes it within a minute.
  if (node === null) return [`kubectl get ${wordsOf(pod)} -w`, force];
  const { name } = node.metadata;
  return [
    `kubectl describe node ${name}`,
    force,
    `kubectl delete node ${name}    # where it never comes back: all its pods go, and the volumes on it once their claims are deleted`,
  ];
}

const graceMs = 10_000;

/** Finalizers that keep what is deleted; undefined: it is not deleted, or not for long. */
export function finalizerFinding(
  object: Stored & Named,
  nowMs = Number.POSITIVE_INFINITY,
): Finding | undefined {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || finalizers.length === 0) return undefined;
  if (nowMs < Date.parse(String(deletionTimestamp)) + graceMs) return undefined;
  const waitsForOthers = finalizers.includes("foregroundDeletion");
  return finding(
    "finalizer-stuck",
    object,
    `it is deleted, but the finalizer${finalizers.length === 1 ? "" : "s"} ${finalizers.join(", ")} keep${finalizers.length === 1 ? "s" : ""} it`,
    {
      evidence: [
        stands(object, "metadata.deletionTimestamp", String(deletionTimestamp)),
        stands(object, "metadata.finalizers", finalizers),
      ],
      change: [
        waitsForOthers
          ? "what it owns is gone (foregroundDeletion)"
          : "the controller that each finalizer belongs to runs and takes its own away",
      ],
      next: [
        `kubectl get ${wordsOf(object)} -o yaml`,
        `kubectl patch ${wordsOf(object)} --type=merge -p '{"metadata":{"finalizers":null}}'    # gives up what they were to clean up`,
      ],
    },
  );
}
