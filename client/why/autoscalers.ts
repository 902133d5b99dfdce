import { resources } from "../resources.ts";
import type { Deployment, HorizontalPodAutoscaler, Resource, StatefulSet } from "../types.ts";
import { apiServiceFindings, apiServices } from "./extensions.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, leadsTo, stands, wordsOf } from "./finding.ts";

const targets: Readonly<Record<string, Resource<Deployment | StatefulSet>>> = {
  Deployment: resources.deployments as Resource<Deployment | StatefulSet>,
  StatefulSet: resources.statefulsets as Resource<Deployment | StatefulSet>,
  ReplicaSet: resources.replicasets as unknown as Resource<Deployment | StatefulSet>,
};

const groupsOfMetrics: Readonly<Record<string, string>> = {
  Resource: "v1beta1.metrics.k8s.io",
  ContainerResource: "v1beta1.metrics.k8s.io",
  Pods: "v1beta1.custom.metrics.k8s.io",
  Object: "v1beta1.custom.metrics.k8s.io",
  External: "v1beta1.external.metrics.k8s.io",
};

/** Why an autoscaler does not scale. */
export function explainAutoscaler(scaler: HorizontalPodAutoscaler, facts: Facts): readonly Finding[] {
  const { spec, status, metadata } = scaler;
  if (spec === undefined) return [];
  const { kind, name, apiVersion = "" } = spec.scaleTargetRef;
  const next = [`kubectl describe ${wordsOf(scaler)}`];
  const conditions = status?.conditions ?? [];
  const bad = (type: string) => conditions.find((one) => one.type === type && one.status === "False");
  const resource = targets[kind];
  if (resource !== undefined && apiVersion !== "apps/v1")
    return [
      finding(
        "version-not-served",
        scaler,
        `its target is of a version that is not served: ${apiVersion || "(none)"} ${kind}; ${kind}s are apps/v1`,
        {
          evidence: [
            stands(scaler, "spec.scaleTargetRef", spec.scaleTargetRef),
            ...(bad("AbleToScale")
              ? [stands(scaler, "status.conditions[AbleToScale]", bad("AbleToScale")?.message ?? "")]
              : []),
          ],
          change: ["scaleTargetRef.apiVersion: apps/v1"],
          next,
        },
      ),
    ];
  const target =
    resource === undefined ? undefined : facts.find(resource, { name, namespace: metadata.namespace });
  if (target === null)
    return [
      finding("autoscaler-target", scaler, `its target does not exist: there is no ${kind} ${name}`, {
        evidence: [stands(scaler, "spec.scaleTargetRef", spec.scaleTargetRef)],
        change: [`a ${kind} ${name}, or another scaleTargetRef`],
        next: [`kubectl get ${kind.toLowerCase()}s -n ${metadata.namespace}`],
      }),
    ];
  const able = bad("AbleToScale");
  if (able !== undefined && able.reason === "FailedGetScale")
    return [
      finding("autoscaler-target", scaler, `its target cannot be scaled: ${able.message ?? ""}`, {
        evidence: [stands(scaler, "status.conditions[AbleToScale]", able.message ?? "")],
        next,
      }),
    ];
  const metrics = spec.metrics ?? [
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } },
  ];
  for (const metric of metrics) {
    const measured = metric.type === "ContainerResource" ? metric.containerResource : metric.resource;
    if (measured?.target.type !== "Utilization" || !target) continue;
    const only = metric.type === "ContainerResource" ? metric.containerResource?.container : undefined;
    const containers = (target.spec?.template.spec?.containers ?? []).filter(
      (one) => only === undefined || one.name === only,
    );
    const lacking = containers.filter(
      ({ resources: of }) =>
        of?.requests?.[measured.name] === undefined && of?.limits?.[measured.name] === undefined,
    );
    if (lacking.length > 0)
      return [
        finding(
          "autoscaler-no-requests",
          target,
          `its target requests no ${measured.name} to measure against: container ${lacking.map((one) => one.name).join(", ")} of ${kind.toLowerCase()} ${name}`,
          {
            evidence: [
              stands(
                scaler,
                "spec.metrics",
                `${measured.name}, ${measured.target.averageUtilization ?? 80} % of what is requested`,
              ),
              stands(
                target,
                `spec.template.spec.containers[${lacking[0]?.name}].resources.requests`,
                lacking[0]?.resources?.requests ?? {},
              ),
            ],
            change: [
              `resources.requests.${measured.name} in each container, or a metric of the type AverageValue`,
            ],
            next: [
              `kubectl set resources ${kind.toLowerCase()} ${name} -n ${metadata.namespace} --requests=${measured.name}=100m`,
              ...next,
            ],
          },
        ),
      ];
  }
  const active = bad("ScalingActive");
  if (active !== undefined && active.reason !== "ScalingDisabled") {
    const evidence = [
      stands(scaler, "status.conditions[ScalingActive]", `${active.reason}: ${active.message ?? ""}`),
    ];
    const groups = new Set(metrics.map(({ type }) => groupsOfMetrics[type] ?? ""));
    for (const group of groups) {
      const service = group === "" ? undefined : facts.find(apiServices, { name: group });
      if (service === null)
        return [
          finding(
            "autoscaler-no-metrics",
            scaler,
            `it gets no metrics: nobody serves ${group.replace("v1beta1.", "")}`,
            {
              evidence,
              change: [`the API ${group} is served (by a metrics-server, an adapter, or pintle)`],
              next: [`kubectl get apiservice ${group}`, ...next],
            },
          ),
        ];
      if (service) {
        const unavailable = apiServiceFindings(service, facts).map((one) =>
          leadsTo("it gets no metrics", one, evidence),
        );
        if (unavailable.length > 0) return unavailable;
      }
    }
    return [
      finding(
        "autoscaler-no-metrics",
        scaler,
        `it gets no metrics: ${active.message ?? active.reason ?? ""}`,
        { evidence, change: ["its pods run and are measured"], next },
      ),
    ];
  }
  const limited = conditions.find(
    ({ type, status: is, reason }) =>
      type === "ScalingLimited" && is === "True" && reason === "TooManyReplicas",
  );
  return limited === undefined
    ? []
    : [
        finding(
          "autoscaler-limited",
          scaler,
          `it wants more than its ${spec.maxReplicas} replicas (maxReplicas)`,
          {
            evidence: [stands(scaler, "status.conditions[ScalingLimited]", limited.message ?? "")],
            change: ["a larger maxReplicas, or less load"],
            next,
          },
        ),
      ];
}
