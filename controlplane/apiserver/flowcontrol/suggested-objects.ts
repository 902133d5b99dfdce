import type { FlowRule, FlowSchema, FlowSubject, PriorityLevelConfiguration } from "../../../client/types.ts";

/** What Kubernetes 1.36 keeps in every cluster for priority and fairness (pkg/apis/flowcontrol/bootstrap): the mandatory objects,
 *  without which no request could be classified, and the suggested ones. Pure. */

export type FlowSchemaSpec = FlowSchema["spec"];
export type PriorityLevelSpec = PriorityLevelConfiguration["spec"];

export interface Suggestion<T> {
  readonly name: string;
  readonly spec: T;
  readonly isMandatory: boolean;
}

/** Says of an object whether servers keep its spec as it is suggested. */
export const autoupdateAnnotation = "apf.kubernetes.io/autoupdate-spec";
export const flowGroup = "flowcontrol.apiserver.k8s.io";

const groups = (...names: string[]): FlowSubject[] =>
  names.map((name) => ({ kind: "Group", group: { name } }));
const users = (...names: string[]): FlowSubject[] => names.map((name) => ({ kind: "User", user: { name } }));
const systemAccounts: FlowSubject[] = [
  { kind: "ServiceAccount", serviceAccount: { namespace: "kube-system", name: "*" } },
];
const everybody = groups("system:unauthenticated", "system:authenticated");

const resources = (verbs: string[], apiGroup: string, names: string[], clusterScope: boolean) => ({
  verbs,
  apiGroups: [apiGroup],
  resources: names,
  ...(clusterScope && { clusterScope }),
  namespaces: ["*"],
});
const everything = (subjects: FlowSubject[]): FlowRule => ({
  subjects,
  resourceRules: [resources(["*"], "*", ["*"], true)],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
});

interface SchemaRow {
  readonly level: string;
  readonly precedence: number;
  readonly by?: "ByUser" | "ByNamespace";
  readonly rule: FlowRule;
  readonly isMandatory?: true;
}

const leases = (verbs: string[]) => resources(verbs, "coordination.k8s.io", ["leases"], false);

const schemaRows: Readonly<Record<string, SchemaRow>> = {
  exempt: { level: "exempt", precedence: 1, rule: everything(groups("system:masters")), isMandatory: true },
  probes: {
    level: "exempt",
    precedence: 2,
    rule: {
      subjects: everybody,
      nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
    },
  },
  "system-leader-election": {
    level: "leader-election",
    precedence: 100,
    by: "ByUser",
    rule: {
      subjects: [...users("system:kube-controller-manager", "system:kube-scheduler"), ...systemAccounts],
      resourceRules: [leases(["get", "create", "update"])],
    },
  },
  "system-node-high": {
    level: "node-high",
    precedence: 400,
    by: "ByUser",
    rule: {
      subjects: groups("system:nodes"),
      resourceRules: [resources(["*"], "", ["nodes", "nodes/status"], true), leases(["*"])],
    },
  },
  "system-nodes": {
    level: "system",
    precedence: 500,
    by: "ByUser",
    rule: everything(groups("system:nodes")),
  },
  "kube-controller-manager": {
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    rule: everything(users("system:kube-controller-manager")),
  },
  "kube-scheduler": {
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    rule: everything(users("system:kube-scheduler")),
  },
  "kube-system-service-accounts": {
    level: "workload-high",
    precedence: 900,
    by: "ByNamespace",
    rule: everything(systemAccounts),
  },
  "service-accounts": {
    level: "workload-low",
    precedence: 9000,
    by: "ByUser",
    rule: everything(groups("system:serviceaccounts")),
  },
  "global-default": {
    level: "global-default",
    precedence: 9900,
    by: "ByUser",
    rule: everything(everybody),
  },
  "catch-all": {
    level: "catch-all",
    precedence: 10_000,
    by: "ByUser",
    rule: everything(everybody),
    isMandatory: true,
  },
};

export const suggestedSchemas: readonly Suggestion<FlowSchemaSpec>[] = Object.entries(schemaRows).map(
  ([name, { level, precedence, by, rule, isMandatory = false }]) => ({
    name,
    isMandatory,
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence: precedence,
      ...(by !== undefined && { distinguisherMethod: { type: by } }),
      rules: [rule],
    },
  }),
);

function queued(
  shares: number,
  lendablePercent: number,
  queues: number,
  handSize: number,
): PriorityLevelSpec {
  const queuing = { queues, handSize, queueLengthLimit: 50 };
  return {
    type: "Limited",
    limited: {
      nominalConcurrencyShares: shares,
      limitResponse: { type: "Queue", queuing },
      lendablePercent,
    },
  };
}

const exemptSpec: PriorityLevelSpec = {
  type: "Exempt",
  exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 },
};
const catchAllSpec: PriorityLevelSpec = {
  type: "Limited",
  limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" }, lendablePercent: 0 },
};

export const suggestedLevels: readonly Suggestion<PriorityLevelSpec>[] = [
  { name: "exempt", isMandatory: true, spec: exemptSpec },
  { name: "catch-all", isMandatory: true, spec: catchAllSpec },
  { name: "system", isMandatory: false, spec: queued(30, 33, 64, 6) },
  { name: "node-high", isMandatory: false, spec: queued(40, 25, 64, 6) },
  { name: "leader-election", isMandatory: false, spec: queued(10, 0, 16, 4) },
  { name: "workload-high", isMandatory: false, spec: queued(40, 50, 128, 6) },
  { name: "workload-low", isMandatory: false, spec: queued(100, 90, 128, 6) },
  { name: "global-default", isMandatory: false, spec: queued(20, 50, 128, 6) },
];

export function mandatory<T>(all: readonly Suggestion<T>[], name: string): Suggestion<T> | undefined {
  return all.find((one) => one.isMandatory && one.name === name);
}
