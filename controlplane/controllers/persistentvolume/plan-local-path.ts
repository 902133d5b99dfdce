import { localPath } from "../../../client/rules/local-path.ts";
import {
  classOf,
  selectedNodeOf,
  volumeAnnotations,
  waitsForConsumer,
} from "../../../client/rules/volume-binding.ts";
import type {
  Draft,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from "../../../client/types.ts";

export type LocalPathStep =
  /** Not ours, or nothing is to be done yet. */
  | { readonly kind: "nothing" }
  | { readonly kind: "make"; readonly volume: Draft<PersistentVolume> }
  /** `elsewhere`: another node may do. */
  | { readonly kind: "fail"; readonly message: string; readonly elsewhere: boolean };

export interface LocalPathInput {
  readonly claim: PersistentVolumeClaim;
  readonly storageClass: StorageClass | undefined;
  /** The one that the scheduler chose. */
  readonly node: Node | undefined;
}

export const isOurs = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  metadata.annotations?.[volumeAnnotations.provisioner] === localPath.provisioner &&
  !spec.volumeName &&
  metadata.deletionTimestamp === undefined;

const modes = ["ReadWriteOnce", "ReadWriteOncePod"];

/** The volume for a claim, on the node that was chosen for it. What a folder cannot be is refused by name. Pure. */
export function planLocalPath({ claim, storageClass, node }: LocalPathInput): LocalPathStep {
  if (!isOurs(claim) || storageClass?.provisioner !== localPath.provisioner) return { kind: "nothing" };
  const fail = (message: string, elsewhere = false): LocalPathStep => ({ kind: "fail", message, elsewhere });
  const refused = refusal(claim, storageClass);
  if (refused !== undefined) return fail(refused);
  const chosen = selectedNodeOf(claim);
  if (chosen === undefined) return { kind: "nothing" };
  const folder = node?.metadata.annotations?.[localPath.folderAnnotation];
  if (node === undefined) return fail(`there is no node ${JSON.stringify(chosen)}`, true);
  if (folder === undefined) return fail(`node ${JSON.stringify(chosen)} keeps no local volumes`, true);
  return { kind: "make", volume: volumeFor(claim, storageClass, { node: chosen, folder }) };
}

function refusal({ spec }: PersistentVolumeClaim, storageClass: StorageClass): string | undefined {
  if (!waitsForConsumer(storageClass)) return "volumeBindingMode must be WaitForFirstConsumer";
  if (Object.keys(storageClass.parameters ?? {}).length > 0) return "parameters are not supported";
  if ((storageClass.mountOptions ?? []).length > 0) return "mountOptions are not supported";
  if (spec.volumeMode === "Block") return "volumeMode Block is not supported";
  if (spec.selector !== undefined) return "claim selector is not supported";
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined) return "dataSource is not supported";
  const mode = (spec.accessModes ?? []).find((one) => !modes.includes(one));
  return mode === undefined ? undefined : `access mode ${mode} is not supported, only ${modes.join(" and ")}`;
}

function volumeFor(
  claim: PersistentVolumeClaim,
  { reclaimPolicy = "Delete" }: StorageClass,
  { node, folder }: { readonly node: string; readonly folder: string },
): Draft<PersistentVolume> {
  const { name: claimName, namespace, uid, resourceVersion } = claim.metadata;
  const name = `pvc-${uid}`;
  const claimRef = {
    kind: "PersistentVolumeClaim",
    apiVersion: "v1",
    name: claimName,
    namespace,
    uid,
    resourceVersion,
  };
  return {
    metadata: { name, annotations: { [volumeAnnotations.provisionedBy]: localPath.provisioner } },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.storage ?? "0" },
      accessModes: claim.spec.accessModes ?? [],
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: classOf(claim),
      volumeMode: "Filesystem",
      claimRef,
      local: { path: `${folder}/${name}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
        },
      },
    },
  } as Draft<PersistentVolume>;
}
