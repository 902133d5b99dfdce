import { claimFindings } from "./claims.ts";
import { containerFindings } from "./containers.ts";
import { endingFindings } from "./endings.ts";
import { isReadyPod } from "./explain-workload.ts";
import { type PodFacts, podWord } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";
import { isReadyNode, whyNotReady } from "./node-readiness.ts";
import { placementFindings } from "./placement.ts";

/** Why a pod does not run and serve, the reason that holds up all others first. Never empty. Pure. */
export function explainPod(facts: PodFacts): readonly Finding[] {
  const { pod, node } = facts;
  const ending = endingFindings(facts);
  if (ending !== undefined) return ending;
  const claims = claimFindings(facts);
  if (!pod.spec.nodeName)
    return or([...claims, ...placementFindings(facts)], "nobody has placed it yet", pod);
  const lost = nodeFinding(facts);
  const containers = [...claims, ...containerFindings(facts)];
  if (lost !== undefined) return [lost, ...containers];
  if (containers.length > 0) return containers;
  if (pod.status?.phase === "Running" && isReadyPod(pod))
    return [finding("nothing is wrong: it runs and is ready")];
  return or([], `its node ${node?.metadata.name} is at work on it`, pod);
}

const or = (findings: readonly Finding[], otherwise: string, pod: PodFacts["pod"]): readonly Finding[] =>
  findings.length > 0 ? findings : [finding(otherwise, { next: [`kubectl describe ${podWord(pod)}`] })];

function nodeFinding({ pod, node }: PodFacts): Finding | undefined {
  const { nodeName } = pod.spec;
  if (node === undefined)
    return finding(`its node ${nodeName} does not exist (any more)`, { next: ["kubectl get nodes"] });
  if (isReadyNode(node)) return undefined;
  return finding(`its node ${nodeName} is not ready`, {
    because: [whyNotReady(node)],
    change: ["the node's agent runs and reaches the API"],
    next: [`kubectl describe node ${nodeName}`],
  });
}
