import type { InformerFactory } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import type { DeviceClass, Pod, PodDisruptionBudget, ResourceSlice } from "../../client/types.ts";
import { SchedulerCache } from "./cache.ts";
import type { ClusterEvent } from "./cycle/cluster-event.ts";
import { podInfo } from "./cycle/pod-info.ts";
import { DeviceBook } from "./devices/device-book.ts";
import type { SchedulingQueue } from "./queue.ts";
import { siblingsOf } from "./siblings.ts";
import { VolumeBook } from "./storage/volume-book.ts";

/** Pods that have ended hold nothing any more and are left out by the server. */
const running = { fieldSelector: "status.phase!=Succeeded,status.phase!=Failed" };
const attachmentsByNode = "node";
const capacitiesByClass = "storage-class";

/** What the informers show, as scheduling needs it. */
export interface Sources {
  readonly cache: SchedulerCache;
  readonly volumes: VolumeBook;
  readonly devices: DeviceBook;
  readonly budgets: () => readonly PodDisruptionBudget[];
}

/** A cache over informers; nothing is in it before `followCluster`. */
export function makeSources(informers: InformerFactory): Sources {
  const namespaces = informers.informer(resources.namespaces);
  const services = informers.informer(resources.services);
  const attachments = informers.informer(resources.volumeattachments);
  attachments.addIndex(attachmentsByNode, ({ spec }) => [spec.nodeName]);
  const capacities = informers.informer(resources.csistoragecapacities);
  capacities.addIndex(capacitiesByClass, ({ storageClassName }) => [storageClassName]);
  const owners = {
    services,
    replicaSets: informers.informer(resources.replicasets),
    statefulSets: informers.informer(resources.statefulsets),
    replicationControllers: informers.informer(resources.replicationcontrollers),
  };
  const volumes = new VolumeBook({
    claims: informers.informer(resources.persistentvolumeclaims),
    volumes: informers.informer(resources.persistentvolumes),
    classes: informers.informer(resources.storageclasses),
    csiNodes: informers.informer(resources.csinodes),
    drivers: informers.informer(resources.csidrivers),
    capacitiesOf: (storageClass) => capacities.byIndex(capacitiesByClass, storageClass),
    attachmentsOf: (node) => attachments.byIndex(attachmentsByNode, node),
  });
  const cache = new SchedulerCache({
    storage: volumes,
    namespaceLabels: (name) => namespaces.get({ name })?.metadata.labels ?? {},
    siblings: (pod) => siblingsOf(pod, owners),
  });
  const budgets = informers.informer(resources.poddisruptionbudgets);
  const devices = new DeviceBook({
    claims: informers.informer(resources.resourceclaims),
    classes: informers.informer(resources.deviceclasses),
    slices: informers.informer(resources.resourceslices),
  });
  return { cache, volumes, devices, budgets: () => budgets.list() };
}

/** Keeps the cache and the queue in step with what the informers show.
 *  @param isOurs Whether pods of this `schedulerName` are ours to place. */
export function followCluster(
  informers: InformerFactory,
  cache: SchedulerCache,
  queue: SchedulingQueue,
  isOurs: (schedulerName: string) => boolean,
): void {
  const notice = (event: ClusterEvent | undefined) => {
    if (event !== undefined) queue.notice(event);
  };
  followStorage(informers, notice);
  followDevices(informers, notice);
  followNamespaces(informers, cache, notice);
  informers.informer(resources.nodes).subscribe({
    onAdd: (node) => notice(cache.putNode(node)),
    onUpdate: (node) => notice(cache.putNode(node)),
    onDelete: (node) => cache.deleteNode(node.metadata.name),
  });
  const drop = (key: string) => {
    queue.delete(key);
    cache.nominations.delete(key);
  };
  const take = (pod: Pod) => {
    const key = keyOf(pod);
    if (pod.spec.nodeName) {
      drop(key);
      notice(cache.putPod(pod));
      return;
    }
    if (
      pod.metadata.deletionTimestamp !== undefined ||
      !isOurs(pod.spec.schedulerName ?? "default-scheduler")
    ) {
      drop(key);
      return;
    }
    const isNew = !queue.has(key);
    if (isNew && cache.isPlaced(key)) return; // bound a moment ago, and this is older news
    const info = podInfo(pod);
    const promised = pod.status?.nominatedNodeName;
    if (promised && !cache.isPlaced(key)) cache.nominations.put(info, promised);
    queue.put(info);
    if (isNew) notice({ kind: "podWaits", pod: info });
  };
  informers.informer(resources.pods, running).subscribe({
    onAdd: take,
    onUpdate: (pod, before) => {
      if (before.status?.nominatedNodeName && !pod.status?.nominatedNodeName)
        cache.nominations.delete(keyOf(pod));
      take(pod);
    },
    onDelete: (pod) => {
      drop(keyOf(pod));
      notice(cache.deletePod(keyOf(pod)));
    },
  });
}

type Notice = (event: ClusterEvent) => void;

function followStorage(informers: InformerFactory, notice: Notice): void {
  const claim = ({
    metadata,
  }: {
    readonly metadata: { readonly namespace?: string; readonly name: string };
  }) => notice({ kind: "claimChanged", namespace: metadata.namespace ?? "", name: metadata.name });
  informers
    .informer(resources.persistentvolumeclaims)
    .subscribe({ onAdd: claim, onUpdate: claim, onDelete: claim });
  const named =
    (
      kind:
        | "volumeChanged"
        | "storageClassChanged"
        | "csiNodeChanged"
        | "csiDriverChanged"
        | "storageCapacityChanged",
    ) =>
    ({ metadata }: { readonly metadata: { readonly name: string } }) =>
      notice({ kind, name: metadata.name });
  const [volume, storageClass, csiNode] = [
    named("volumeChanged"),
    named("storageClassChanged"),
    named("csiNodeChanged"),
  ];
  informers.informer(resources.persistentvolumes).subscribe({ onAdd: volume, onUpdate: volume });
  informers.informer(resources.storageclasses).subscribe({ onAdd: storageClass, onUpdate: storageClass });
  informers.informer(resources.csinodes).subscribe({ onAdd: csiNode, onUpdate: csiNode });
  const driver = named("csiDriverChanged");
  informers.informer(resources.csidrivers).subscribe({ onAdd: driver, onUpdate: driver, onDelete: driver });
  const capacity = named("storageCapacityChanged");
  informers.informer(resources.csistoragecapacities).subscribe({ onAdd: capacity, onUpdate: capacity });
  informers.informer(resources.volumeattachments).subscribe({
    onDelete: ({ spec }) => notice({ kind: "attachmentRemoved", node: spec.nodeName }),
  });
}

function followDevices(informers: InformerFactory, notice: Notice): void {
  informers.informer(resources.resourceclaims).subscribe({
    onAdd: (claim) => notice({ kind: "deviceClaimChanged", claim, before: undefined }),
    onUpdate: (claim, before) => notice({ kind: "deviceClaimChanged", claim, before }),
    onDelete: (claim) => notice({ kind: "deviceClaimRemoved", claim }),
  });
  const ofClass = ({ metadata }: DeviceClass) => notice({ kind: "deviceClassChanged", name: metadata.name });
  informers.informer(resources.deviceclasses).subscribe({ onAdd: ofClass, onUpdate: ofClass });
  const ofSlice = ({ spec }: ResourceSlice) => notice({ kind: "deviceSliceChanged", driver: spec.driver });
  informers.informer(resources.resourceslices).subscribe({ onAdd: ofSlice, onUpdate: ofSlice });
}

function followNamespaces(informers: InformerFactory, cache: SchedulerCache, notice: Notice): void {
  const changed = (name: string) => {
    cache.namespaceChanged();
    notice({ kind: "namespaceChanged", name });
  };
  informers.informer(resources.namespaces).subscribe({
    onAdd: ({ metadata }) => changed(metadata.name),
    onUpdate: (next, previous) => {
      if (JSON.stringify(next.metadata.labels) !== JSON.stringify(previous.metadata.labels))
        changed(next.metadata.name);
    },
  });
}
