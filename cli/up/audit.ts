import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterPlan } from "./cluster-state.ts";
import type { Layout } from "./layout.ts";

export const upAuditFlags = {
  "audit-log": {
    kind: "boolean",
    default: false,
    help: "write down who asked the API servers for what, as audit-policy.yaml in the cluster's folder says; pintle logs --all --source audit searches it",
  },
} as const;

/** What is asked for, or shipped, is written. */
const isAudited = ({ auditLog, logShipping }: ClusterPlan): boolean =>
  auditLog === true || logShipping?.sources.includes("audit") === true;

const policyOf = (layout: Layout): string => join(layout.folder, "audit-policy.yaml");
const logOf = (layout: Layout, number: number): string =>
  join(layout.folder, "audit", `apiserver-${number}.log`);

/** A policy to begin with: who did what, without bodies, and without what components do all day. It is the user's to change. */
export function ensureAuditPolicy(plan: ClusterPlan, layout: Layout): void {
  const path = policyOf(layout);
  if (isAudited(plan) && !existsSync(path)) writeFileSync(path, policy, { mode: 0o600 });
}

const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/metrics", "/version", "/openapi/*"]
- level: None
  users: [system:kube-controller-manager, system:kube-scheduler, system:apiserver]
- level: None
  userGroups: [system:nodes]
- level: Metadata
`;

/** Of an API server: eleven files of 100 MB at most. */
export function auditWords(plan: ClusterPlan, layout: Layout, number: number): string[] {
  if (!isAudited(plan)) return [];
  return [
    `--audit-policy-file=${policyOf(layout)}`,
    `--audit-log-path=${logOf(layout, number)}`,
    "--audit-log-maxbackup=10",
  ];
}

/** Of the node that answers for files of this machine, with the logs of so many API servers. */
export function searchedAuditWords(plan: ClusterPlan, layout: Layout, apiservers: number): string[] {
  if (!isAudited(plan)) return [];
  const logs = Array.from({ length: apiservers }, (_, at) => logOf(layout, at + 1));
  return [`--audit-logs=${logs.join(",")}`];
}
