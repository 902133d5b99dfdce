import { kinds } from "../../controlplane/apiserver/resources/table.ts";
import { typeMetaOf } from "./reached-messages.ts";

/** Objects with one field set, for trying what becomes of it. */

type Json = { [name: string]: unknown };

const pod = {
  containers: [{ name: "c", image: "i", terminationMessagePolicy: "File", imagePullPolicy: "Always" }],
};

/** What an object of a kind needs at least, where that is more than a name. */
const bodies: Readonly<Record<string, Json>> = {
  Pod: { spec: pod },
  EndpointSlice: { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }] },
  ResourceSlice: {
    spec: { driver: "d.example.com", pool: { name: "p", resourceSliceCount: 1 }, allNodes: true },
  },
  CustomResourceDefinition: {
    metadata: { name: "samples.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "samples", kind: "Sample" },
      versions: [
        { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } },
      ],
    },
  },
  StatefulSet: {
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: pod },
    },
  },
};

/** What must stand beside a field so that all else is well, by the path of its message. */
const neighbours: Readonly<Record<string, Json>> = {
  "ResourceSlice.spec.devices.0": { name: "a" },
  "ResourceSlice.spec.devices.0.attributes.k": { string: "s" },
  "Pod.spec": { serviceAccountName: "default" },
  "Pod.spec.containers.0": pod.containers[0] ?? {},
  "Pod.spec.containers.0.env.0": { name: "A" },
  "Pod.spec.volumes.0": { name: "v" },
  ...Object.fromEntries(
    Object.entries({
      awsElasticBlockStore: { volumeID: "v" },
      azureDisk: { diskName: "d", diskURI: "/subscriptions/s" },
      azureFile: { secretName: "s", shareName: "n" },
      cephfs: { monitors: ["m"] },
      cinder: { volumeID: "v" },
      csi: { driver: "d" },
      ephemeral: {
        volumeClaimTemplate: {
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } } },
        },
      },
      fc: { lun: 1, targetWWNs: ["w"] },
      flexVolume: { driver: "d/v" },
      gcePersistentDisk: { pdName: "d" },
      gitRepo: { repository: "r" },
      glusterfs: { endpoints: "e", path: "p" },
      image: { reference: "r" },
      iscsi: { iqn: "iqn.2000-01.a:b", lun: 1, targetPortal: "1.2.3.4:5" },
      nfs: { path: "/", server: "s" },
      persistentVolumeClaim: { claimName: "c" },
      photonPersistentDisk: { pdID: "p" },
      portworxVolume: { volumeID: "v" },
      quobyte: { registry: "r:1", volume: "v" },
      rbd: { image: "i", monitors: ["m"] },
      scaleIO: { gateway: "g", system: "s", volumeName: "v", secretRef: { name: "s" } },
      storageos: { volumeName: "v" },
      vsphereVolume: { volumePath: "v" },
    }).map(([kind, volume]) => [`Pod.spec.volumes.0.${kind}`, volume]),
  ),
  "Pod.spec.volumes.0.projected.sources.0.serviceAccountToken": { path: "t" },
};

export function objectWith(root: string, place: readonly string[], value: unknown): Json & { kind: string } {
  const object = {
    ...typeMetaOf(root),
    metadata: { name: "sample" },
    ...structuredClone(bodies[root] ?? {}),
  };
  put(object, place, value, [root]);
  return object;
}

function put(into: Json, place: readonly string[], value: unknown, way: readonly string[]): void {
  const [name = "", ...rest] = place;
  Object.assign(into, { ...structuredClone(neighbours[way.join(".")] ?? {}), ...into });
  if (rest.length === 0) {
    into[name] = value;
    return;
  }
  // Lists take "0" as an index, as objects take names.
  into[name] ??= rest[0] === "0" ? [] : {};
  put(into[name] as Json, rest, value, [...way, name]);
}

export function valueAt(object: unknown, place: readonly string[]): unknown {
  return place.reduce<unknown>((value, name) => (value as Json | undefined)?.[name], object);
}

/** Where objects of a kind are made. */
export function collectionOf(kind: string): string {
  const row = kinds.find((one) => one.kind === kind);
  if (row === undefined) throw new Error(`no kind ${kind} is served`);
  const group = row.group === "" ? `/api/${row.version}` : `/apis/${row.group}/${row.version}`;
  return `${group}${row.namespaced ? "/namespaces/default" : ""}/${row.plural}`;
}
