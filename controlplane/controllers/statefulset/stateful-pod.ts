import type { Draft, ObjectMeta, Pod, PodTemplateSpec, StatefulSet } from "../../../client/types.ts";
import { podFromTemplate } from "../pod-template.ts";

/** A pod of the set says by it which revision's template it was made of. */
export const revisionLabel = "controller-revision-hash";
const podNameLabel = "statefulset.kubernetes.io/pod-name";
const podIndexLabel = "apps.kubernetes.io/pod-index";

export type ClaimTemplate = NonNullable<StatefulSet["spec"]["volumeClaimTemplates"]>[number];

export const podName = (set: StatefulSet, ordinal: number) => `${set.metadata.name}-${ordinal}`;

/** The number in a pod's name; undefined for a pod that cannot be the set's. */
export function ordinalOf(
  set: StatefulSet,
  { metadata }: { readonly metadata: ObjectMeta },
): number | undefined {
  const [, parent, digits] = /^(.*)-([0-9]+)$/s.exec(metadata.name ?? "") ?? [];
  if (parent !== set.metadata.name || digits === undefined) return undefined;
  const ordinal = Number(digits);
  return ordinal < 2 ** 31 ? ordinal : undefined;
}

/** The ordinals that the set wants, from the first to before the last. */
export function ordinalRange({ spec }: StatefulSet): { readonly start: number; readonly end: number } {
  const start = spec.ordinals?.start ?? 0;
  return { start, end: start + (spec.replicas ?? 1) };
}

export const claimName = (set: StatefulSet, template: ClaimTemplate, ordinal: number) =>
  `${template.metadata?.name ?? ""}-${podName(set, ordinal)}`;

/** The pod of one ordinal, of the revision's template. Pure. */
export function statefulPod(
  set: StatefulSet,
  ordinal: number,
  { template, revision }: { readonly template: PodTemplateSpec; readonly revision: string },
): Draft<Pod> {
  const name = podName(set, ordinal);
  const labels = { ...identityLabels(name, ordinal), [revisionLabel]: revision };
  const pod = podFromTemplate(template, set, name, { labels });
  const claims = set.spec.volumeClaimTemplates ?? [];
  const volumes = claims.map((claim) => ({
    name: claim.metadata?.name ?? "",
    persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
  }));
  const own = (pod.spec.volumes ?? []).filter((volume) => !volumes.some(({ name }) => name === volume.name));
  return {
    ...pod,
    spec: {
      ...pod.spec,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length + own.length > 0 && { volumes: [...volumes, ...own] }),
    },
  };
}

export function identityLabels(name: string, ordinal: number): Readonly<Record<string, string>> {
  return { [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
}

/** Whether the pod says who it is. */
export function hasIdentity({ metadata }: Pod): boolean {
  return metadata.labels?.[podNameLabel] === metadata.name;
}

/** The claim that a pod of the ordinal mounts. Pure. */
export function claimFor(
  set: StatefulSet,
  template: ClaimTemplate,
  ordinal: number,
): { readonly metadata: ObjectMeta & { readonly namespace: string }; readonly spec: ClaimTemplate["spec"] } {
  const { labels, annotations } = template.metadata ?? {};
  return {
    metadata: {
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace ?? "",
      labels: { ...labels, ...set.spec.selector.matchLabels },
      ...(annotations !== undefined && { annotations }),
    },
    spec: template.spec,
  };
}
