import { resources } from "../resources.ts";
import type { Node } from "../types.ts";
import { disruptionsBlock } from "./budgets.ts";
import type { Facts } from "./facts.ts";
import { type Evidence, type Finding, finding, stands, worked } from "./finding.ts";

const conditionOf = (node: Node, type: string) =>
  node.status?.conditions?.find((condition) => condition.type === type);

/** Whether the node is there and answers. */
export const isReadyNode = (node: Node | null | undefined): boolean =>
  node !== null && node !== undefined && conditionOf(node, "Ready")?.status === "True";

/** What is known of a node that does not answer. */
export function whyNotReady(node: Node): Evidence {
  const ready = conditionOf(node, "Ready");
  if (ready === undefined) return stands(node, "status.conditions", "no condition Ready");
  return stands(node, "status.conditions[Ready]", `${ready.reason ?? ready.status}: ${ready.message ?? ""}`);
}

export function nodeNotReady(node: Node): Finding {
  const { name } = node.metadata;
  const since = conditionOf(node, "Ready")?.lastTransitionTime;
  return finding("node-not-ready", node, `node ${name} is not ready`, {
    evidence: [whyNotReady(node), ...(since === undefined ? [] : [worked(`since ${since}`)])],
    change: ["the node's agent runs and reaches the API"],
    next: [`kubectl describe node ${name}`, `kubectl get lease ${name} -n kube-node-lease`],
  });
}

const pressures: Readonly<Record<string, string>> = {
  MemoryPressure: "memory",
  DiskPressure: "disk",
  PIDPressure: "process ids",
};

/** What is wrong with a node, and what keeps it from being drained. */
export function explainNode(node: Node, facts: Facts): readonly Finding[] {
  const { name } = node.metadata;
  const next = [`kubectl describe node ${name}`];
  const found: Finding[] = [];
  if (!isReadyNode(node)) found.push(nodeNotReady(node));
  for (const { type, status, message = "" } of node.status?.conditions ?? []) {
    const short = pressures[type];
    if (short !== undefined && status === "True")
      found.push(
        finding("node-pressure", node, `node ${name} is short of ${short}`, {
          evidence: [stands(node, `status.conditions[${type}]`, message)],
          change: [`less on the node, or more ${short}; until then it takes no new pods and evicts some`],
          next: [...next, `kubectl get pods -A --field-selector spec.nodeName=${name}`],
        }),
      );
    if (type === "NetworkUnavailable" && status === "True")
      found.push(
        finding("node-not-ready", node, `node ${name} has no network yet`, {
          evidence: [stands(node, "status.conditions[NetworkUnavailable]", message)],
          next,
        }),
      );
  }
  if (node.spec?.unschedulable)
    found.push(
      finding("node-cordoned", node, `node ${name} is cordoned: it takes no new pods`, {
        evidence: [stands(node, "spec.unschedulable", true)],
        change: [`kubectl uncordon ${name}`],
        next: [`kubectl uncordon ${name}`],
      }),
      ...(facts.isWide ? [] : drainFindings(node, facts)),
    );
  return found;
}

/** Budgets that keep the pods of a cordoned node where they are. */
function drainFindings(node: Node, facts: Facts): readonly Finding[] {
  const here = (facts.list(resources.pods) ?? []).filter(({ spec }) => spec.nodeName === node.metadata.name);
  const budgets = facts.list(resources.poddisruptionbudgets) ?? [];
  return disruptionsBlock(budgets, here).map(({ budget, pods }) =>
    finding(
      "node-drain-blocked",
      budget,
      `the budget ${budget.metadata.name} blocks the drain of node ${node.metadata.name}: it lets none of ${pods.length} of its pods go`,
      {
        evidence: [
          stands(budget, "status.disruptionsAllowed", 0),
          ...pods
            .slice(0, 3)
            .map((pod) => worked(`pod ${pod.metadata.namespace}/${pod.metadata.name} is on it`)),
        ],
        change: ["more ready pods elsewhere, or a budget that allows one to go"],
        next: [`kubectl describe pdb ${budget.metadata.name} -n ${budget.metadata.namespace}`],
      },
    ),
  );
}
