import type { Draft, Job, Pod } from "../../../client/types.ts";
import { podFromTemplate } from "../pod-template.ts";
import { failureCountAnnotation, type IndexFailures, ignoredCountAnnotation } from "./failed-indexes.ts";
import { indexAnnotation, trackingFinalizer } from "./job-types.ts";

/** A pod of the Job; for an Indexed one it is told its index by annotation, label, host name and environment. Pure. */
export function jobPod(
  job: Job,
  name: string,
  { index, failures }: { readonly index?: number | undefined; readonly failures?: IndexFailures | undefined },
): Draft<Pod> {
  const pod = podFromTemplate(job.spec.template, job, name, { finalizers: [trackingFinalizer] });
  if (index === undefined) return pod;
  const text = String(index);
  const { spec } = pod;
  const variable = {
    name: "JOB_COMPLETION_INDEX",
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } },
  };
  const withIndex = <C extends { env?: { name: string }[] }>(container: C): C =>
    container.env?.some((one) => one.name === variable.name)
      ? container
      : { ...container, env: [...(container.env ?? []), variable] };
  return {
    metadata: {
      ...pod.metadata,
      generateName: `${job.metadata.name}-${text}-`,
      annotations: { ...pod.metadata.annotations, [indexAnnotation]: text, ...failureAnnotations(failures) },
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

function failureAnnotations(failures: IndexFailures | undefined): Record<string, string> {
  if (failures === undefined) return {};
  const { counted, ignored } = failures;
  return {
    [failureCountAnnotation]: String(counted),
    ...(ignored > 0 && { [ignoredCountAnnotation]: String(ignored) }),
  };
}
