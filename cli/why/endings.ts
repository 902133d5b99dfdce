import { endText } from "./containers.ts";
import { inNamespace, type PodFacts, podWord } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";
import { isReadyNode, whyNotReady } from "./node-readiness.ts";

/** Why a pod is over, or does not go. */
export function endingFindings(facts: PodFacts): readonly Finding[] | undefined {
  const { pod } = facts;
  if (pod.metadata.deletionTimestamp !== undefined) return [goingFinding(facts)];
  const { phase, reason, message } = pod.status ?? {};
  if (phase === "Succeeded") return [finding("nothing is wrong: it did its work and ended")];
  if (phase !== "Failed") return undefined;
  const ended = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ].flatMap(({ name, state }) =>
    state?.terminated && state.terminated.exitCode !== 0
      ? [`container ${name}: ${endText(state.terminated.exitCode, state.terminated.reason)}`]
      : [],
  );
  return [
    finding(`it failed for good${reason ? `: ${reason}` : ""}`, {
      because: [...(message ? [message] : []), ...ended],
      change: reason === "Evicted" ? ["fewer or smaller pods on its node, or limits that hold"] : [],
      next: [`kubectl logs ${pod.metadata.name} ${inNamespace(pod)} --all-containers`],
    }),
  ];
}

function goingFinding({ pod, node, nowMs }: PodFacts): Finding {
  const { finalizers = [], deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  const endMs = Date.parse(String(deletionTimestamp));
  if (nowMs < endMs)
    return finding(
      `it is being deleted, and has ${Math.ceil((endMs - nowMs) / 1000)} s left of ${deletionGracePeriodSeconds} s`,
      {
        next: [`kubectl get ${podWord(pod)} -w`],
      },
    );
  if (finalizers.length > 0)
    return finding("it is deleted, but finalizers keep it", {
      because: finalizers.map((name) => `finalizer ${name}`),
      change: ["the controller that each belongs to runs and takes its own away"],
      next: [`kubectl get ${podWord(pod)} -o yaml`],
    });
  const { nodeName } = pod.spec;
  if (nodeName !== undefined && !isReadyNode(node))
    return finding(
      `it is deleted, but its node ${nodeName} does not answer, so nobody knows whether it still runs`,
      { because: [whyNotReady(node)], next: nextOfUnanswered(pod, node) },
    );
  return finding("it is deleted, and its node has not finished with it", {
    next: [`kubectl describe ${podWord(pod)}`, `kubectl describe node ${pod.spec.nodeName}`],
  });
}

function nextOfUnanswered(pod: PodFacts["pod"], node: PodFacts["node"]): readonly string[] {
  const force = `kubectl delete ${podWord(pod)} --force    # once the node is surely off`;
  // The pod garbage collector removes it within a minute.
  if (node === undefined) return [`kubectl get ${podWord(pod)} -w`, force];
  const { name } = node.metadata;
  return [
    `kubectl describe node ${name}`,
    force,
    `kubectl delete node ${name}    # where it never comes back: all its pods go, and the volumes on it once their claims are deleted`,
  ];
}
