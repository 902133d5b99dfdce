import { selectorFromLabelSelector, selectorFromLabels, selectorText } from "../../base/label-selector.ts";
import type { Revision } from "../../client/rules/rollout-revisions.ts";
import type { Deployment, EndpointSlice, PodTemplateSpec, ReplicaSet, Service } from "../../client/types.ts";
import { containerLines, volumeLine } from "./describe-pod.ts";
import { field, type Line, pairs } from "./page.ts";
import { timeText } from "./time-text.ts";

/** The page of a deployment, up to its events. */
export function deploymentPage(
  deployment: Deployment,
  revisions: readonly Revision<ReplicaSet>[],
): readonly Line[] {
  const { metadata, spec, status = {} } = deployment;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status;
  const rolling = spec.strategy?.rollingUpdate;
  const newest = revisions.at(-1);
  const shown = ({ keeper: { metadata: meta, spec: wanted, status: now } }: Revision<ReplicaSet>) =>
    `${meta.name} (${now?.replicas ?? 0}/${wanted.replicas ?? 0} replicas created)`;
  const old = revisions.slice(0, -1).filter(({ keeper }) => (keeper.status?.replicas ?? 0) > 0);
  return [
    field("Name", metadata.name),
    field("Namespace", metadata.namespace),
    field("CreationTimestamp", timeText(metadata.creationTimestamp)),
    field("Labels", ...pairs(metadata.labels)),
    field("Annotations", ...pairs(metadata.annotations, ": ")),
    field("Selector", selectorText(selectorFromLabelSelector(spec.selector))),
    field(
      "Replicas",
      `${spec.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailableReplicas} unavailable`,
    ),
    field("StrategyType", spec.strategy?.type),
    field("MinReadySeconds", spec.minReadySeconds ?? 0),
    ...(rolling
      ? [
          field(
            "RollingUpdateStrategy",
            `${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`,
          ),
        ]
      : []),
    { heading: "Pod Template", lines: templateLines(spec.template) },
    {
      heading: "Conditions",
      table: [
        ["Type", "Status", "Reason"],
        ...(status.conditions ?? []).map((one) => [one.type, one.status, one.reason ?? ""]),
      ],
    },
    field("OldReplicaSets", ...old.map(shown)),
    field("NewReplicaSet", newest && shown(newest)),
  ];
}

function templateLines(template: PodTemplateSpec): readonly Line[] {
  return [
    field("Labels", ...pairs(template.metadata?.labels)),
    ...(template.metadata?.annotations
      ? [field("Annotations", ...pairs(template.metadata.annotations, ": "))]
      : []),
    { heading: "Containers", lines: containerLines(template.spec?.containers ?? [], undefined) },
    { heading: "Volumes", lines: (template.spec?.volumes ?? []).map(volumeLine) },
  ];
}

/** The page of a service, up to its events. */
export function servicePage(service: Service, slices: readonly EndpointSlice[]): readonly Line[] {
  const { metadata, spec } = service;
  const endpointsOf = (port: string | undefined): readonly string[] =>
    slices.flatMap(({ ports, endpoints }) =>
      (ports ?? [])
        .filter(({ name }) => (name ?? "") === (port ?? ""))
        .flatMap((one) =>
          (endpoints ?? [])
            .filter(({ conditions }) => conditions?.ready !== false)
            .flatMap(({ addresses }) => addresses.map((address) => `${address}:${one.port}`)),
        ),
    );
  return [
    field("Name", metadata.name),
    field("Namespace", metadata.namespace),
    field("Labels", ...pairs(metadata.labels)),
    field("Annotations", ...pairs(metadata.annotations, ": ")),
    field("Selector", spec.selector ? selectorText(selectorFromLabels(spec.selector)) : undefined),
    field("Type", spec.type),
    field("IP Families", spec.ipFamilies?.join(",")),
    field("IP", spec.clusterIP),
    ...(spec.ports ?? []).flatMap(({ name, port, protocol = "TCP", targetPort, nodePort }) => [
      field("Port", `${name ?? "<unset>"}  ${port}/${protocol}`),
      field("TargetPort", `${targetPort ?? port}/${protocol}`),
      ...(nodePort ? [field("NodePort", `${name ?? "<unset>"}  ${nodePort}/${protocol}`)] : []),
      field("Endpoints", endpointsOf(name).join(",")),
    ]),
    field("Session Affinity", spec.sessionAffinity),
  ];
}
