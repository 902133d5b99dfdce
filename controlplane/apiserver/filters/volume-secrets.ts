import type { KubeObject, PersistentVolume } from "../../../client/types.ts";
import type { KindIndex } from "../cache/kind-index.ts";

export interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Follows the cache of volumes: which claims open a secret, since their volume is mounted with it.
 *  Size: an entry for each secret of each bound volume. A change costs the secrets of one volume. */
export class VolumeSecrets implements KindIndex {
  /** Secret -> volume -> the claim that the volume is bound to. */
  #bySecret = new Map<string, Map<string, Named>>();

  claimsOf(secret: Named): Iterable<Named> {
    return this.#bySecret.get(keyOf(secret))?.values() ?? [];
  }

  clear(): void {
    this.#bySecret = new Map();
  }

  changed(previous: KubeObject | undefined, next: KubeObject | undefined): void {
    if (previous !== undefined) this.#remove(previous as PersistentVolume);
    if (next !== undefined) this.#add(next as PersistentVolume);
  }

  #add(volume: PersistentVolume): void {
    const claim = claimOf(volume);
    if (claim === undefined) return;
    for (const secret of nodeSecrets(volume.spec, claim.namespace)) {
      const volumes = this.#bySecret.get(keyOf(secret)) ?? new Map<string, Named>();
      this.#bySecret.set(keyOf(secret), volumes.set(volume.metadata.name, claim));
    }
  }

  #remove(volume: PersistentVolume): void {
    for (const secret of nodeSecrets(volume.spec, claimOf(volume)?.namespace ?? "")) {
      const volumes = this.#bySecret.get(keyOf(secret));
      volumes?.delete(volume.metadata.name);
      if (volumes?.size === 0) this.#bySecret.delete(keyOf(secret));
    }
  }
}

const keyOf = ({ namespace, name }: Named) => `${namespace}/${name}`;

function claimOf({ spec }: PersistentVolume): Named | undefined {
  const { namespace = "", name = "" } = spec.claimRef ?? {};
  return name === "" ? undefined : { namespace, name };
}

/** What a node mounts the volume with; what controllers attach, expand or provision it with is not a node's to see.
 *  Kubernetes' VisitPVSecretNames. Pure. */
function* nodeSecrets(spec: PersistentVolume["spec"], claimNamespace: string): Iterable<Named> {
  const { azureFile, csi } = spec;
  if (azureFile !== undefined)
    yield { namespace: azureFile.secretNamespace || claimNamespace, name: azureFile.secretName };
  for (const { secretRef } of [spec.cephfs, spec.flexVolume, spec.rbd, spec.scaleIO, spec.iscsi].filter(
    isGiven,
  ))
    if (secretRef?.name) yield { namespace: secretRef.namespace || claimNamespace, name: secretRef.name };
  for (const { secretRef } of [spec.cinder, spec.storageos].filter(isGiven))
    if (secretRef?.name) yield { namespace: secretRef.namespace ?? "", name: secretRef.name };
  for (const reference of [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef])
    if (reference?.name) yield { namespace: reference.namespace ?? "", name: reference.name };
}

const isGiven = <T>(value: T | undefined): value is T => value !== undefined;
