import { resources } from "../resources.ts";
import { amountsOf, podRequests } from "../rules/pod-requests.ts";
import { tolerated } from "../rules/tolerations.ts";
import type { Node, Pod } from "../types.ts";
import type { CauseCode } from "./causes.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Evidence, type Finding, finding, stands, told, wordsOf, worked } from "./finding.ts";
import {
  causeOfReason,
  type Refused,
  refusedByVerdicts,
  refusedInMessage,
  shortReason,
} from "./refused-nodes.ts";
import type { NodeVerdict, Verdicts } from "./verdicts.ts";

const nodesShown = 12;

/** Why a pod has no node. */
export function placementFindings(pod: Pod, facts: Facts): readonly Finding[] {
  const { schedulerName = "default-scheduler", schedulingGates = [] } = pod.spec;
  const next = [`kubectl describe ${wordsOf(pod)}`];
  if (schedulingGates.length > 0)
    return [
      finding(
        "scheduling-gate",
        pod,
        `its scheduling gate ${schedulingGates.map(({ name }) => name).join(", ")} is closed`,
        {
          evidence: [stands(pod, "spec.schedulingGates", schedulingGates)],
          change: [
            "whoever set the gates takes them out of spec.schedulingGates; no scheduler looks at it before",
          ],
          next: [`kubectl get ${wordsOf(pod)} -o yaml`],
        },
      ),
    ];
  const condition = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  const failed = latestEvent(facts.events(pod), "FailedScheduling");
  if (schedulerName !== "default-scheduler" && condition === undefined && failed === undefined)
    return [
      finding(
        "scheduler-unknown",
        pod,
        `no scheduler has looked at it: it asks for one named ${schedulerName}`,
        {
          evidence: [stands(pod, "spec.schedulerName", schedulerName)],
          change: [`a scheduler with the profile ${schedulerName} runs, or spec.schedulerName names another`],
          next: ["kubectl get leases -n kube-system", ...next],
        },
      ),
    ];
  const nodes = facts.list(resources.nodes);
  if (nodes?.length === 0)
    return [
      finding("no-nodes", pod, "there are no nodes", {
        next: ["kubectl get nodes", "pintle agent --help"],
      }),
    ];
  const message = condition?.message ?? failed?.message ?? "";
  const said: readonly Evidence[] = condition?.message
    ? [stands(pod, "status.conditions[PodScheduled]", condition.message)]
    : failed !== undefined
      ? [told(failed)]
      : [];
  const verdicts = facts.verdicts(pod);
  if (verdicts?.nodes.some(({ refusal }) => refusal === undefined)) return [fitsFinding(pod, verdicts, said)];
  if (verdicts?.nowhere !== undefined) return [nowhereFinding(pod, verdicts.nowhere.reason, said)];
  const told_ = refusedInMessage(message);
  const refused = verdicts === undefined ? told_.refused : refusedByVerdicts(verdicts);
  const total = verdicts?.nodes.length ?? told_.total;
  if (refused.length === 0) {
    if (message === "")
      return [
        finding("waits-for-scheduler", pod, "no scheduler has looked at it yet", {
          change: ["a scheduler runs and leads"],
          next: ["kubectl get lease kube-scheduler -n kube-system", "pintle status"],
        }),
      ];
    return [nowhereFinding(pod, message.replace(/^0\/\d+ nodes are available: /, ""), said)];
  }
  return [refusedFinding(pod, { refused, total, said, nodes: nodes ?? [], verdicts })];
}

function fitsFinding(pod: Pod, { nodes }: Verdicts, said: readonly Evidence[]): Finding {
  const fitting = nodes.filter(({ refusal }) => refusal === undefined);
  const cause = `nothing keeps it from ${fitting.length} of ${nodes.length} nodes: it waits for the scheduler`;
  return finding("waits-for-scheduler", pod, cause, {
    evidence: [worked(`such as ${fitting[0]?.name}`), ...said],
    next: ["kubectl get lease kube-scheduler -n kube-system", "pintle status"],
  });
}

/** Something that no node can change. */
function nowhereFinding(pod: Pod, reason: string, evidence: readonly Evidence[]): Finding {
  return finding(causeOfReason(reason), pod, `no node takes it: ${reason}`, {
    evidence,
    next: [`kubectl describe ${wordsOf(pod)}`],
  });
}

interface Refusals {
  readonly refused: readonly Refused[];
  readonly total: number;
  readonly said: readonly Evidence[];
  readonly nodes: readonly Node[];
  readonly verdicts: Verdicts | undefined;
}

function refusedFinding(pod: Pod, { refused, total, said, nodes, verdicts }: Refusals): Finding {
  const codes = [...new Set(refused.map(({ reason }) => causeOfReason(reason)))];
  const reasons = refused.map(({ reason, count }) => {
    const text = reasonText(shortReason(reason), pod, nodes);
    return refused.length === 1 ? text : `${count}: ${text}`;
  });
  const [only] = codes;
  const code = codes.length === 1 && only !== undefined ? only : "unschedulable";
  const perNode = (verdicts?.nodes ?? [])
    .slice(0, nodesShown)
    .map((verdict) => worked(nodeLine(pod, verdict)));
  const more = (verdicts?.nodes.length ?? 0) - perNode.length;
  return finding(
    code,
    pod,
    `none of ${total} node${total === 1 ? "" : "s"} takes it: ${reasons.join(", ")}${numbers(pod, refused, nodes)}`,
    {
      evidence: [...perNode, ...(more > 0 ? [worked(`… and ${more} more nodes`)] : []), ...said],
      change: [...new Set(codes.flatMap((one) => changes[one]?.(pod, nodes) ?? []))],
      next: [
        ...(codes.includes("unschedulable-cordoned")
          ? cordoned(nodes)
              .slice(0, 3)
              .map((name) => `kubectl uncordon ${name}`)
          : []),
        `kubectl describe node ${verdicts?.nodes[0]?.name ?? nodes[0]?.metadata.name ?? ""}`.trimEnd(),
      ],
    },
  );
}

/** With what it is about, where the filter does not say it. */
function reasonText(reason: string, pod: Pod, nodes: readonly Node[]): string {
  if (reason === "were unschedulable") return "cordoned";
  if (reason === "had untolerated taint(s)") {
    const taints = new Set(untoleratedTaints(pod, nodes));
    return `untolerated taint ${[...taints].slice(0, 3).join(", ")}`.trimEnd();
  }
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  if (reason.includes("node affinity/selector") && selector.length > 0)
    return `no label ${selector.map(([key, value]) => `${key}=${value}`).join(", ")}, for its node selector`;
  return reason;
}

const untoleratedTaints = ({ spec }: Pod, nodes: readonly Node[]): readonly string[] =>
  nodes
    .flatMap((node) => node.spec?.taints ?? [])
    .filter((taint) => taint.effect !== "PreferNoSchedule" && !tolerated(taint, spec.tolerations ?? []))
    .map(({ key, value, effect }) => `${key}${value ? `=${value}` : ""}:${effect}`);

/** What a pod asks for that is refused, beside the most that a node has. */
function numbers(pod: Pod, refused: readonly Refused[], nodes: readonly Node[]): string {
  const asked = podRequests(pod.spec);
  const short = refused.flatMap(({ reason }) => /^Insufficient (.+)$/.exec(reason)?.[1] ?? []);
  const texts = short.map((name) => {
    const largest = Math.max(0, ...nodes.map((node) => amountsOf(node.status?.allocatable)[name] ?? 0));
    return `it requests ${amount(name, asked[name] ?? 0)} of ${name}, the largest node has ${amount(name, largest)}`;
  });
  return texts.length === 0 || nodes.length === 0 ? "" : ` (${texts.join("; ")})`;
}

function nodeLine(pod: Pod, { name, refusal, ...node }: NodeVerdict): string {
  const detail = refusal?.plugin === "NodeResourcesFit" ? `; ${roomText(pod, node)}` : "";
  return `${name}: ${refusal?.plugin}: ${refusal?.reasons.join(", ") ?? ""}${detail}`;
}

/** `cpu: asks 2000m, free 300m of 4000m`, of what does not suffice. */
function roomText(pod: Pod, node: Pick<NodeVerdict, "allocatable" | "requested" | "pods">): string {
  const short = Object.entries(podRequests(pod.spec)).flatMap(([name, asked]) => {
    const all = node.allocatable[name] ?? 0;
    const free = all - (node.requested[name] ?? 0);
    return asked > free
      ? [`${name}: asks ${amount(name, asked)}, free ${amount(name, free)} of ${amount(name, all)}`]
      : [];
  });
  const most = node.allocatable.pods ?? 0;
  return [...short, ...(node.pods >= most ? [`pods: ${node.pods} of ${most}`] : [])].join("; ");
}

function amount(name: string, value: number): string {
  if (name === "cpu") return `${value}m`;
  return ["memory", "ephemeral-storage"].includes(name) ? `${Math.round(value / 2 ** 20)}Mi` : String(value);
}

const cordoned = (nodes: readonly Node[]) =>
  nodes.filter(({ spec }) => spec?.unschedulable).map(({ metadata }) => metadata.name);

/** What would let nodes say yes. */
const changes: Partial<Record<CauseCode, (pod: Pod, nodes: readonly Node[]) => readonly string[]>> = {
  "unschedulable-resources": (pod, nodes) => {
    const largest = (name: string) =>
      Math.max(0, ...nodes.map((node) => amountsOf(node.status?.allocatable)[name] ?? 0));
    const beyond = Object.entries(podRequests(pod.spec)).filter(([name, asked]) => asked > largest(name));
    return beyond.length > 0 && nodes.length > 0
      ? beyond.map(
          ([name, asked]) =>
            `a node so large, or requests of at most ${amount(name, largest(name))} of ${name}: it asks for ${amount(name, asked)}`,
        )
      : ["smaller requests, fewer other pods, or one more node"];
  },
  "unschedulable-taint": (pod, nodes) =>
    untoleratedTaints(pod, nodes).map((taint) => `a toleration of ${taint}, or the taint goes`),
  "unschedulable-cordoned": () => ["its nodes are uncordoned"],
  "unschedulable-affinity": ({ spec }) => [
    `nodes with what it asks for: ${JSON.stringify(spec.nodeSelector ?? spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? spec.nodeName ?? {})}`,
  ],
  "unschedulable-port": () => ["another hostPort, or the pod that has it goes"],
  "unschedulable-spread": () => [
    "a larger maxSkew, whenUnsatisfiable: ScheduleAnyway, or room in the emptier domains",
  ],
  "unschedulable-pod-affinity": () => [
    "a pod that its affinity looks for, or nodes without those that its anti-affinity shuns",
  ],
  "unschedulable-volume": () => ["a volume that its claims can be bound to on a node that takes the pod"],
};
