import type { Draft, Job, Pod } from "../../../client/types.ts";
import { podFromTemplate } from "../pod-template.ts";
import { indexAnnotation, trackingFinalizer } from "./job-types.ts";

/** A pod of the Job; for an Indexed one it is told its index by annotation, label, host name and environment. Pure. */
export function jobPod(job: Job, name: string, index: number | undefined): Draft<Pod> {
  const pod = podFromTemplate(job.spec.template, job, name, { finalizers: [trackingFinalizer] });
  if (index === undefined) return pod;
  const text = String(index);
  const { spec } = pod;
  const variable = {
    name: "JOB_COMPLETION_INDEX",
    valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${indexAnnotation}']` } },
  };
  const withIndex = <C extends { env?: { name: string }[] }>(container: C): C =>
    container.env?.some((one) => one.name === variable.name)
      ? container
      : { ...container, env: [...(container.env ?? []), variable] };
  return {
    metadata: {
      ...pod.metadata,
      generateName: `${job.metadata.name}-${text}-`,
      annotations: { ...pod.metadata.annotations, [indexAnnotation]: text },
      labels: { ...pod.metadata.labels, [indexAnnotation]: text },
    },
    spec: {
      ...spec,
      hostname: spec.hostname ?? `${job.metadata.name}-${text}`,
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers !== undefined && { initContainers: spec.initContainers.map(withIndex) }),
    },
  };
}
