import { amountsOf, podRequests } from "../../client/rules/pod-requests.ts";
import type { Pod } from "../../client/types.ts";
import type { Verdict, Verdicts } from "../../controlplane/scheduler/verdicts.ts";
import { inNamespace, type PodFacts, podWord } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";

const nodesShown = 12;

/** Why a pod has no node. */
export function placementFindings({ pod, claims, verdicts, events }: PodFacts): readonly Finding[] {
  const { schedulerName = "default-scheduler", schedulingGates = [] } = pod.spec;
  if (schedulingGates.length > 0)
    return [
      finding("its scheduling gates are closed: no scheduler looks at it before they are taken away", {
        because: schedulingGates.map(({ name }) => `gate ${name}`),
        change: ["whoever set the gates takes them out of spec.schedulingGates"],
        next: [`kubectl get ${podWord(pod)} -o yaml`],
      }),
    ];
  const looked = pod.status?.conditions?.some(({ type }) => type === "PodScheduled") ?? false;
  if (schedulerName !== "default-scheduler" && !looked && events.length === 0)
    return [
      finding(`no scheduler has looked at it: it asks for one named ${schedulerName}`, {
        change: [`a scheduler with the profile ${schedulerName} runs, or spec.schedulerName names another`],
        next: ["pintle status"],
      }),
    ];
  if (verdicts === undefined) return [];
  if (verdicts.nodes.length === 0)
    return [finding("there are no nodes", { next: ["kubectl get nodes", "pintle agent --help"] })];
  const fitting = verdicts.nodes.filter(({ refusal }) => refusal === undefined);
  if (fitting.length > 0)
    return [
      finding(
        `nothing keeps it from ${fitting.length} of ${verdicts.nodes.length} nodes: it waits for the scheduler`,
        {
          because: [`such as ${fitting[0]?.node.name}`],
          next: [
            "pintle status",
            `kubectl get events ${inNamespace(pod)} --for ${podWord(pod).split(" ")[0]}`,
          ],
        },
      ),
    ];
  const absentClaims = claims.filter(({ claim }) => claim === undefined).map(({ name }) => name);
  return [refusedEverywhere(pod, verdicts, absentClaims)];
}

function refusedEverywhere(pod: Pod, { nodes, nowhere }: Verdicts, absentClaims: readonly string[]): Finding {
  if (nowhere !== undefined)
    return finding(`no node takes it: ${nowhere.reason}`, {
      because: [`said by ${nowhere.plugins.join(", ")} of every node`],
      // Plugins that look at claims refuse a pod without them, whatever else they are for.
      change:
        absentClaims.length > 0
          ? absentClaims.map((name) => `a claim named ${name}`)
          : changesFor(nowhere.plugins, pod, []),
      next: [`kubectl describe ${podWord(pod)}`],
    });
  const plugins = [...new Set(nodes.map(({ refusal }) => refusal?.plugin ?? ""))];
  const shown = nodes.slice(0, nodesShown).map((verdict) => nodeLine(pod, verdict));
  const more = nodes.length - shown.length;
  return finding(`none of ${nodes.length} node${nodes.length === 1 ? "" : "s"} takes it`, {
    because: more > 0 ? [...shown, `… and ${more} more`] : shown,
    change: changesFor(plugins, pod, nodes),
    next: [`kubectl describe node ${nodes[0]?.node.name}`],
  });
}

function nodeLine(pod: Pod, { node, refusal }: Verdict): string {
  const why = refusal?.reasons.join(", ") ?? "";
  const detail = refusal?.plugin === "NodeResourcesFit" ? `; ${roomText(pod, node)}` : "";
  return `${node.name}: ${refusal?.plugin}: ${why}${detail}`;
}

/** `cpu: asks 2000, free 300 of 4000`, of what does not suffice. CPU is in millicores. */
function roomText(pod: Pod, node: Verdict["node"]): string {
  const short = Object.entries(podRequests(pod.spec)).flatMap(([name, asked]) => {
    const all = node.allocatable[name] ?? 0;
    const free = all - (node.requested[name] ?? 0);
    return asked > free
      ? [`${name}: asks ${amount(name, asked)}, free ${amount(name, free)} of ${amount(name, all)}`]
      : [];
  });
  const most = node.allocatable.pods ?? 0;
  return [...short, ...(node.pods.size >= most ? [`pods: ${node.pods.size} of ${most}`] : [])].join("; ");
}

function amount(name: string, value: number): string {
  if (name === "cpu") return `${value}m`;
  return ["memory", "ephemeral-storage"].includes(name) ? `${Math.round(value / 2 ** 20)}Mi` : String(value);
}

/** What would let a plugin say yes. */
function changesFor(plugins: readonly string[], pod: Pod, nodes: readonly Verdict[]): readonly string[] {
  return plugins.flatMap((plugin) => changes[plugin]?.(pod, nodes) ?? []);
}

const refusedBy = (nodes: readonly Verdict[], plugin: string) =>
  nodes.filter(({ refusal }) => refusal?.plugin === plugin);

const changes: Readonly<Record<string, (pod: Pod, nodes: readonly Verdict[]) => readonly string[]>> = {
  NodeResourcesFit: (pod, nodes) => {
    const largest = (name: string) =>
      Math.max(0, ...nodes.map(({ node }) => amountsOf(node.node.status?.allocatable)[name] ?? 0));
    const beyond = Object.entries(podRequests(pod.spec)).filter(([name, asked]) => asked > largest(name));
    return beyond.length > 0
      ? beyond.map(
          ([name, asked]) =>
            `no node is so large: it asks ${amount(name, asked)} of ${name}, the largest has ${amount(name, largest(name))}`,
        )
      : ["smaller requests, fewer other pods, or one more node"];
  },
  TaintToleration: (_, nodes) => [
    ...new Set(
      refusedBy(nodes, "TaintToleration").flatMap(({ node }) =>
        node.taints.map(
          ({ key, value, effect }) =>
            `a toleration of ${key}${value ? `=${value}` : ""}:${effect}, or the taint goes`,
        ),
      ),
    ),
  ],
  NodeUnschedulable: (_, nodes) =>
    refusedBy(nodes, "NodeUnschedulable").map(({ node }) => `kubectl uncordon ${node.name}`),
  NodeAffinity: ({ spec }) => [
    `nodes with what it asks for: ${JSON.stringify(spec.nodeSelector ?? spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? {})}`,
  ],
  NodeName: ({ spec }) => [`a node named ${spec.nodeName}`],
  NodePorts: () => ["another hostPort, or the pod that has it goes"],
  PodTopologySpread: () => [
    "a larger maxSkew, whenUnsatisfiable: ScheduleAnyway, or room in the emptier domains",
  ],
  InterPodAffinity: () => [
    "a pod that its affinity looks for, or nodes without those that its anti-affinity shuns",
  ],
  VolumeBinding: () => ["a volume that its claims can be bound to on a node that takes the pod"],
  VolumeZone: () => ["nodes in the zone of its volumes"],
  VolumeRestrictions: () => ["the other pod that uses its ReadWriteOncePod claim or disk goes"],
  NodeVolumeLimits: () => ["fewer volumes on the nodes, or one more node"],
  Coscheduling: () => ["enough members of its group, and room for all of them at once"],
};
