import type { Container, Pod, Volume } from "../../client/types.ts";
import { isHugePageMedium } from "../volumes/huge-page-volume.ts";
import { seLinuxFields } from "./security-profiles.ts";

/** Something that a pod asks for and that this node cannot do. */
export interface UnsupportedField {
  /** The field's path, as in `spec.volumes[0].glusterfs`. */
  readonly field: string;
  /** The value, where the field has others that can be honoured. */
  readonly value?: string;
}

const mountableKinds: ReadonlySet<string> = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "hostPath",
  "image",
  "iscsi",
  "nfs",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);
const projectedKinds: ReadonlySet<string> = new Set([
  "clusterTrustBundle",
  "configMap",
  "downwardAPI",
  "secret",
  "serviceAccountToken",
]);

/** What not every node can do. */
export interface NodeAbilities {
  /** It has ways to run containers that a RuntimeClass may name. */
  readonly runtimeHandlers: boolean;
  /** Something holds a pod's containers to what they may take together. */
  readonly podResources: boolean;
  /** Pods of this handler (empty: the usual one) can have users of their own. */
  readonly userNamespaces: (handler: string) => boolean;
  /** What becomes of labels of SELinux; absent: the host has none. */
  readonly seLinux: "absent" | "honoured" | "unsupported";
}

/** What a pod asks for that this node cannot do: it is not started at all, for what is left out silently would only be
 *  found out later. Pure. */
export function unsupportedFields(
  pod: Pod,
  { runtimeHandlers, podResources, seLinux }: NodeAbilities,
): readonly UnsupportedField[] {
  const { spec, status } = pod;
  return [
    ...(seLinux === "unsupported" ? seLinuxFields(pod).map((field) => ({ field })) : []),
    ...(spec.runtimeClassName && !runtimeHandlers
      ? [{ field: "spec.runtimeClassName", value: spec.runtimeClassName }]
      : []),
    ...(filled(spec.resourceClaims) ? [{ field: "spec.resourceClaims" }] : []),
    // A claim that a scheduler made for resources of containers.
    ...(status?.extendedResourceClaimStatus ? [{ field: "status.extendedResourceClaimStatus" }] : []),
    ...(spec.resources && filled(Object.keys(spec.resources)) && !podResources
      ? [{ field: "spec.resources" }]
      : []),
    ...(spec.volumes ?? []).flatMap((volume, index) => ofVolume(volume, `spec.volumes[${index}]`)),
    ...(["initContainers", "containers"] as const).flatMap((sort) =>
      (spec[sort] ?? []).flatMap((one, index) => ofContainer(spec, one, `spec.${sort}[${index}]`)),
    ),
  ];
}

/** The same for an ephemeral container, which is refused alone: its pod runs already. */
export const unsupportedOfEphemeral = (pod: Pod, name: string): readonly UnsupportedField[] =>
  (pod.spec.ephemeralContainers ?? []).flatMap((one, index) =>
    one.name === name ? ofContainer(pod.spec, one, `spec.ephemeralContainers[${index}]`) : [],
  );

/** One sentence that names all of them. */
export function unsupportedText(fields: readonly UnsupportedField[]): string {
  const names = fields.map(({ field, value }) => (value === undefined ? field : `${field}: ${value}`));
  return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} not supported by this node`;
}

const filled = (list: readonly unknown[] | undefined): boolean => list !== undefined && list.length > 0;

function ofVolume(volume: Volume, at: string): UnsupportedField[] {
  const kinds = Object.keys(volume).filter((key) => key !== "name");
  const unknown = kinds.filter((kind) => !mountableKinds.has(kind));
  const medium = volume.emptyDir?.medium ?? "";
  return [
    ...unknown.map((kind) => ({ field: `${at}.${kind}` })),
    ...(!["", "Memory"].includes(medium) && !isHugePageMedium(medium)
      ? [{ field: `${at}.emptyDir.medium`, value: medium }]
      : []),
    ...(volume.projected?.sources ?? []).flatMap((source, index) =>
      Object.keys(source)
        .filter((kind) => !projectedKinds.has(kind))
        .map((kind) => ({ field: `${at}.projected.sources[${index}].${kind}` })),
    ),
  ];
}

function ofContainer({ hostUsers }: Pod["spec"], container: Container, at: string): UnsupportedField[] {
  const { procMount } = container.securityContext ?? {};
  return [
    ...(filled(container.resources?.claims) ? [{ field: `${at}.resources.claims` }] : []),
    // All of /proc is seen only by who is nobody outside.
    ...(procMount && procMount !== "Default" && hostUsers !== false
      ? [{ field: `${at}.securityContext.procMount`, value: procMount }]
      : []),
  ];
}
