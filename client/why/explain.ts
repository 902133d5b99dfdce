import { gatewayResources } from "../gateway/gateway-types.ts";
import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { KubeObject, Ref, Resource } from "../types.ts";
import { explainAutoscaler } from "./autoscalers.ts";
import { explainBudget } from "./budgets.ts";
import { severities } from "./causes.ts";
import { explainClaim } from "./claims.ts";
import { finalizerFinding } from "./endings.ts";
import { explainPod } from "./explain-pod.ts";
import {
  apiServiceFindings,
  apiServices,
  definitionKind,
  explainCertificateRequest,
  explainDefinition,
  explainWebhooks,
  webhookKinds,
} from "./extensions.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";
import { explainGateway, explainRoute } from "./gateways.ts";
import { explainAny, ownerFindings } from "./generic.ts";
import { explainIngress } from "./ingresses.ts";
import { explainCronJob, explainJob } from "./jobs.ts";
import { explainNamespace } from "./namespaces.ts";
import { explainPolicy } from "./network-policies.ts";
import { explainNode } from "./nodes.ts";
import { explainService } from "./services.ts";
import { explainDaemonSet, explainStatefulSet } from "./stateful-sets.ts";
import { explainDeployment, explainReplicas } from "./workloads.ts";

/** A kind, and what is looked at of its objects. */
export interface Explained {
  readonly resource: Resource<Stored>;
  readonly explain: (object: KubeObject, facts: Facts) => readonly Finding[];
}

const row = <T extends Stored>(
  resource: Resource<T>,
  explain: (object: T, facts: Facts) => readonly Finding[],
): Explained => ({
  resource: resource as Resource<Stored>,
  explain: explain as unknown as Explained["explain"],
});

/** Every kind that something is known of, those first that others depend on. */
export const explained: readonly Explained[] = [
  row(resources.nodes, explainNode),
  row(apiServices, apiServiceFindings),
  ...webhookKinds.map((kind) => row(kind, explainWebhooks)),
  row(definitionKind, explainDefinition),
  row(resources.namespaces, explainNamespace),
  row(resources.certificatesigningrequests, explainCertificateRequest),
  row(resources.persistentvolumeclaims, explainClaim),
  row(resources.deployments, explainDeployment),
  row(resources.statefulsets, explainStatefulSet),
  row(resources.daemonsets, explainDaemonSet),
  row(resources.cronjobs, explainCronJob),
  row(resources.jobs, explainJob),
  row(resources.replicasets, explainReplicas),
  row(resources.replicationcontrollers, explainReplicas),
  row(resources.pods, explainPod),
  row(resources.services, explainService),
  row(resources.ingresses, explainIngress),
  row(gatewayResources.gateways, explainGateway),
  row(gatewayResources.httproutes, explainRoute),
  row(resources.horizontalpodautoscalers, explainAutoscaler),
  row(resources.poddisruptionbudgets, explainBudget),
  row(resources.networkpolicies, explainPolicy),
];

export const explainedKind = ({
  group,
  kind,
}: Pick<Resource<Stored>, "group" | "kind">): Explained | undefined =>
  explained.find(({ resource }) => resource.group === group && resource.kind === kind);

/** What is wrong with an object, what has to change first before all else; never empty once the object is known.
 *  `null`: there is no such object. */
export function explainObject(
  resource: Resource<Stored>,
  ref: Ref,
  facts: Facts,
): readonly Finding[] | null | undefined {
  const object = facts.find(resource, ref);
  if (object === null || object === undefined) return object;
  const found = findingsOf(resource, object as KubeObject, facts);
  return found.length > 0
    ? found
    : [finding("healthy", object as KubeObject, wellText(resource.kind, object as KubeObject))];
}

export function findingsOf(resource: Resource<Stored>, object: KubeObject, facts: Facts): readonly Finding[] {
  const known = explainedKind(resource);
  // Pods and namespaces end by rules of their own.
  const stuck =
    known !== undefined && ["Pod", "Namespace"].includes(resource.kind)
      ? undefined
      : finalizerFinding(object, facts.nowMs);
  const found = [
    ...(stuck === undefined ? [] : [stuck]),
    ...(known?.explain ?? explainAny)(object, facts),
    ...(facts.isWide ? [] : ownerFindings(object, facts)),
  ];
  return bySeverity(found);
}

/** Errors first; those of one severity in the order in which they hold up each other. */
export const bySeverity = (found: readonly Finding[]): readonly Finding[] =>
  [...found].sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));

function wellText(kind: string, object: KubeObject): string {
  const status = (object.status ?? {}) as { readonly phase?: string; readonly readyReplicas?: number };
  switch (kind) {
    case "Pod":
      return status.phase === "Succeeded"
        ? "nothing is wrong: it did its work and ended"
        : "nothing is wrong: it runs and is ready";
    case "PersistentVolumeClaim":
      return "nothing is wrong: it has its volume";
    default:
      return status.readyReplicas === undefined
        ? "nothing is wrong"
        : `nothing is wrong: ${status.readyReplicas === 1 ? "its pod is" : `its ${status.readyReplicas} pods are`} ready`;
  }
}
