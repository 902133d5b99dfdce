import { createHash } from "node:crypto";
import type { PersistentVolume, Pod, Volume } from "../../client/types.ts";
import { ConfigError } from "../sync/environment.ts";
import { isPlainName } from "../volumes/sub-paths.ts";
import type { AccessMode } from "./messages.ts";

export interface SecretRef {
  readonly namespace: string;
  readonly name: string;
}

/** A volume of a CSI driver, as a pod asks for it. */
export interface CsiSource {
  readonly driver: string;
  /** What the driver calls it. */
  readonly handle: string;
  /** The persistent volume's name or, of a pod's own, the volume's name in the pod: names folders. */
  readonly name: string;
  /** What the pod calls it. */
  readonly podName: string;
  readonly lifecycle: "Persistent" | "Ephemeral";
  readonly isBlock: boolean;
  readonly fsType: string;
  readonly mountOptions: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  /** As in a persistent volume's `accessModes`. */
  readonly accessModes: readonly string[];
  readonly isReadOnly: boolean;
  readonly secrets: {
    readonly stage?: SecretRef | undefined;
    readonly publish?: SecretRef | undefined;
    readonly expand?: SecretRef | undefined;
  };
}

/** A claim's volume, and what the pod says of it. Throws ConfigError where its names cannot be folders'. Pure. */
export function persistentSource(
  { metadata, spec }: PersistentVolume,
  { podName, isReadOnly }: Pick<CsiSource, "podName" | "isReadOnly">,
): CsiSource {
  const { csi } = spec;
  if (csi === undefined) throw new ConfigError(`persistent volume ${metadata.name} is no CSI driver's`);
  const secret = (ref: { readonly name?: string; readonly namespace?: string } | undefined) =>
    ref?.name ? { name: ref.name, namespace: ref.namespace ?? "" } : undefined;
  return checked({
    driver: csi.driver,
    handle: csi.volumeHandle,
    name: metadata.name,
    podName,
    lifecycle: "Persistent",
    isBlock: spec.volumeMode === "Block",
    fsType: csi.fsType ?? "",
    mountOptions: spec.mountOptions ?? [],
    attributes: csi.volumeAttributes ?? {},
    accessModes: spec.accessModes ?? [],
    isReadOnly,
    secrets: {
      stage: secret(csi.nodeStageSecretRef),
      publish: secret(csi.nodePublishSecretRef),
      expand: secret(csi.nodeExpandSecretRef),
    },
  });
}

/** A pod's own volume. Pure. */
export function inlineSource({ metadata }: Pod, { name, csi }: Volume): CsiSource {
  if (csi === undefined) throw new ConfigError(`volume ${name} is no CSI driver's`);
  const secret = csi.nodePublishSecretRef?.name;
  return checked({
    driver: csi.driver,
    handle: `csi-${createHash("sha256").update(`${metadata.uid}${name}`).digest("hex")}`,
    name,
    podName: name,
    lifecycle: "Ephemeral",
    isBlock: false,
    fsType: csi.fsType ?? "",
    mountOptions: [],
    attributes: csi.volumeAttributes ?? {},
    accessModes: [],
    isReadOnly: csi.readOnly ?? false,
    secrets: { publish: secret ? { name: secret, namespace: metadata.namespace ?? "" } : undefined },
  });
}

function checked(source: CsiSource): CsiSource {
  for (const name of [source.driver, source.name])
    if (!isPlainName(name)) throw new ConfigError(`${JSON.stringify(name)} of a CSI volume is not a name`);
  return source;
}

/** How the driver is told who may use the volume: its first mode. Pure. */
export function accessModeOf({ accessModes: [first] }: CsiSource, knowsSingleNodeModes: boolean): AccessMode {
  if (first === "ReadOnlyMany") return "MULTI_NODE_READER_ONLY";
  if (first === "ReadWriteMany") return "MULTI_NODE_MULTI_WRITER";
  if (!knowsSingleNodeModes) return "SINGLE_NODE_WRITER";
  return first === "ReadWriteOncePod" ? "SINGLE_NODE_SINGLE_WRITER" : "SINGLE_NODE_MULTI_WRITER";
}

/** Whether the node gives a volume to the pod's group, by the driver's policy for it. Pure. */
export function isGivenToGroup(source: CsiSource, policy: string): boolean {
  if (policy === "None" || source.isReadOnly || source.isBlock) return false;
  if (policy === "File") return true;
  if (source.fsType === "") return false;
  if (source.lifecycle === "Ephemeral") return true;
  return source.accessModes.some((mode) => mode === "ReadWriteOnce" || mode === "ReadWriteOncePod");
}

/** What a driver with `podInfoOnMount` is told of the pod. Pure. */
export function podInfo({ metadata, spec }: Pod, { lifecycle }: CsiSource): Readonly<Record<string, string>> {
  const key = (name: string) => `csi.storage.k8s.io/${name}`;
  return {
    [key("pod.name")]: metadata.name,
    [key("pod.namespace")]: metadata.namespace ?? "",
    [key("pod.uid")]: metadata.uid,
    [key("serviceAccount.name")]: spec.serviceAccountName ?? "",
    [key("ephemeral")]: String(lifecycle === "Ephemeral"),
  };
}

/** @param modes As in a persistent volume's `accessModes`. */
export const isForOnePod = (modes: readonly string[] | undefined): boolean =>
  modes?.includes("ReadWriteOncePod") ?? false;

/** In the kubelet's words. */
export const usedByAnother = () =>
  new ConfigError("volume uses the ReadWriteOncePod access mode and is already in use by another pod");
