import { classOf } from "../../../client/rules/volume-binding.ts";
import type { PersistentVolumeClaim } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { Storage } from "../storage/storage.ts";
import { claimMissing, claimNames, isClaimOf } from "./pod-claims.ts";

const refusal = { reasons: ["node(s) exceed max volume count"], lasting: false };

/** How many volumes of a driver a node can have at once. */
export const nodeVolumeLimits: PluginFactory = () => ({
  name: "NodeVolumeLimits",
  helpedBy: {
    nodeAdded: () => true,
    csiNodeChanged: () => true,
    podRemoved: (_pod, { pod: other }) => claimNames(other).length > 0,
    claimChanged: isClaimOf,
    attachmentRemoved: (pod) => pod.claims.length > 0,
  },
  prepareFilter: (pod, { storage }) => {
    const names = claimNames(pod);
    if (names.length === 0) return undefined;
    const missing = names.find((name) => storage.claim(pod.namespace, name) === undefined);
    if (missing !== undefined)
      return { nowhere: `looking up PVC ${pod.namespace}/${missing}: ${claimMissing(missing)}` };
    return { filter: (node) => (isOverLimit(pod, node, storage) ? refusal : undefined) };
  },
});

/** Drivers by the volumes' handles, which are unique with their driver. */
type Attached = Map<string, string>;

function isOverLimit(pod: PodInfo, node: NodeInfo, storage: Storage): boolean {
  const limits = storage.volumeLimits(node.name);
  if (limits.size === 0) return false;
  const added: Attached = new Map();
  collect(pod, storage, added);
  if (added.size === 0) return false;
  const there: Attached = new Map();
  for (const other of node.pods.values()) collect(other, storage, there);
  for (const { driver, volume } of storage.attachments(node.name)) {
    const handle = storage.volume(volume)?.spec.csi?.volumeHandle;
    if (handle !== undefined) there.set(`${driver}/${handle}`, driver);
  }
  const counts = new Map<string, number>();
  for (const driver of there.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  for (const [volume, driver] of added)
    if (!there.has(volume)) {
      const count = (counts.get(driver) ?? 0) + 1;
      counts.set(driver, count);
      if (count > (limits.get(driver) ?? Number.POSITIVE_INFINITY)) return true;
    }
  return false;
}

function collect(pod: PodInfo, storage: Storage, into: Attached): void {
  for (const name of claimNames(pod)) {
    const claim = storage.claim(pod.namespace, name);
    const found = claim && driverOf(claim, storage);
    if (found !== undefined) into.set(`${found.driver}/${found.handle}`, found.driver);
  }
}

/** A claim without a volume counts for its class's driver, as it will have one there. */
function driverOf(claim: PersistentVolumeClaim, storage: Storage) {
  const volume = claim.spec.volumeName ? storage.volume(claim.spec.volumeName) : undefined;
  if (volume !== undefined) {
    const { csi } = volume.spec;
    return csi && { driver: csi.driver, handle: csi.volumeHandle };
  }
  const driver = storage.storageClass(classOf(claim))?.provisioner;
  const { namespace = "", name } = claim.metadata;
  return driver === undefined ? undefined : { driver, handle: `claim ${namespace}/${name}` };
}
