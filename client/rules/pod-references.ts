import type { PodSpec, Volume } from "../types.ts";
import { claimOfVolume } from "./volume-claims.ts";

/** Objects that a pod refers to by name; all in its own namespace. */
export interface PodReferences {
  readonly configMaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  readonly serviceAccounts: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

/** What a pod's volumes, environment, images and identity are made of: what its node may read, and follows. Pure.
 *  Kubernetes' VisitPodSecretNames, VisitPodConfigmapNames and the node authorizer's graph. */
export function podReferences(spec: PodSpec, podName: string): PodReferences {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const claims = new Set<string>();
  const add = (names: Set<string>, name: string | undefined) => {
    if (name) names.add(name);
  };
  for (const { name } of spec.imagePullSecrets ?? []) add(secrets, name);
  for (const volume of spec.volumes ?? []) {
    add(configMaps, volume.configMap?.name);
    for (const name of secretsOf(volume)) add(secrets, name);
    for (const source of volume.projected?.sources ?? []) {
      add(configMaps, source.configMap?.name);
      add(secrets, source.secret?.name);
    }
    add(claims, claimOfVolume(podName, volume)?.name);
  }
  const containers = [
    ...spec.containers,
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  for (const { env, envFrom } of containers) {
    for (const { valueFrom } of env ?? []) {
      add(configMaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
    for (const { configMapRef, secretRef } of envFrom ?? []) {
      add(configMaps, configMapRef?.name);
      add(secrets, secretRef?.name);
    }
  }
  const { serviceAccountName } = spec;
  return {
    configMaps,
    secrets,
    claims,
    serviceAccounts: new Set(serviceAccountName ? [serviceAccountName] : []),
  };
}

function secretsOf(volume: Volume): readonly (string | undefined)[] {
  return [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
  ];
}
