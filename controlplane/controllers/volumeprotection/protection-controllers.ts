import { keyOf, keyOfRef, refOfKey } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { volumeClaims } from "../../../client/rules/volume-claims.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import {
  claimFinalizer,
  isBound,
  isShutDown,
  protectionStep,
  usesClaim,
  volumeFinalizer,
  withFinalizer,
  withoutFinalizer,
} from "./plan-protection.ts";
import { unlessChanged, withFinalizers } from "./write-finalizers.ts";

/** Kubernetes' pvc-protection: a claim goes when no pod on a node uses it any more. */
export const claimProtectionController: Controller = {
  name: "persistentvolumeclaim-protection-controller",
  workers: 1,
  setUp(context, queue) {
    const claims = context.informers.informer(resources.persistentvolumeclaims);
    const pods = context.informers.informer(resources.pods);
    const look = (claim: PersistentVolumeClaim) => {
      if (protectionStep(claim, claimFinalizer) !== "nothing") queue.add(keyOf(claim));
    };
    claims.subscribe({ onAdd: look, onUpdate: look });
    const release = (pod: Pod) => {
      const { namespace } = pod.metadata;
      for (const { name } of volumeClaims(pod)) {
        const claim = claims.getByKey(keyOfRef({ name, namespace }));
        if (claim?.metadata.deletionTimestamp !== undefined) queue.add(keyOf(claim));
      }
    };
    pods.subscribe({
      onUpdate: (pod) => {
        if (isShutDown(pod)) release(pod);
      },
      onDelete: release,
    });
    return async (key) => {
      const claim = claims.getByKey(key);
      if (claim === undefined) return undefined;
      const step = protectionStep(claim, claimFinalizer);
      if (step === "nothing") return undefined;
      if (step === "removeIfUnused" && (await isUsed(context, claim, pods.list()))) return undefined;
      const change = step === "add" ? withFinalizer : withoutFinalizer;
      const finalizers = change(claim.metadata, claimFinalizer);
      await unlessChanged(() =>
        context.client.update(resources.persistentvolumeclaims, withFinalizers(claim, finalizers)),
      );
      return undefined;
    };
  },
};

/** Kubernetes' pv-protection: a volume goes when no claim is bound to it any more. */
export const volumeProtectionController: Controller = {
  name: "persistentvolume-protection-controller",
  workers: 1,
  setUp(context, queue) {
    const volumes = context.informers.informer(resources.persistentvolumes);
    const look = (volume: PersistentVolume) => {
      if (protectionStep(volume, volumeFinalizer) !== "nothing") queue.add(keyOf(volume));
    };
    volumes.subscribe({ onAdd: look, onUpdate: look });
    return async (key) => {
      const volume = volumes.getByKey(key);
      if (volume === undefined) return undefined;
      const step = protectionStep(volume, volumeFinalizer);
      if (step === "nothing" || (step === "removeIfUnused" && isBound(volume))) return undefined;
      const change = step === "add" ? withFinalizer : withoutFinalizer;
      const finalizers = change(volume.metadata, volumeFinalizer);
      await unlessChanged(() =>
        context.client.update(resources.persistentvolumes, withFinalizers(volume, finalizers)),
      );
      return undefined;
    };
  },
};

/** The cache is asked first; that nobody uses a claim must be true of the API itself. */
async function isUsed(
  { client }: ControllerContext,
  claim: PersistentVolumeClaim,
  cached: readonly Pod[],
): Promise<boolean> {
  if (cached.some((pod) => usesClaim(pod, claim))) return true;
  const { namespace } = refOfKey(keyOf(claim));
  const { items } = await client.list(resources.pods, { namespace });
  return items.some((pod) => usesClaim(pod, claim));
}
