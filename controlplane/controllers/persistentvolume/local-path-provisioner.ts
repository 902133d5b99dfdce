import { isAlreadyExists, isConflict, isNotFound } from "../../../client/api-error.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { isToBeRemoved, localPathNode } from "../../../client/rules/local-path.ts";
import { classOf, selectedNodeOf, volumeAnnotations } from "../../../client/rules/volume-binding.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { asksForMore, planGrowth } from "./plan-growth.ts";
import { isOurs, planLocalPath } from "./plan-local-path.ts";

const againMs = 30_000;

/** Makes volumes that are folders of a node, and makes them larger. The node's agent makes the folder when a pod first mounts
 *  it, and removes folder and volume once they are released; where there is no such node any more, the volume goes from here. */
export const localPathProvisioner: Controller = {
  name: "local-path-provisioner-controller",
  workers: 1,
  setUp(context, queue) {
    const { informers } = context;
    const claims = informers.informer(resources.persistentvolumeclaims);
    const classes = informers.informer(resources.storageclasses);
    const nodes = informers.informer(resources.nodes);
    const volumes = informers.informer(resources.persistentvolumes);
    const ofClaim = (claim: PersistentVolumeClaim) => {
      if (isOurs(claim)) queue.add(`claim:${keyOf(claim)}`);
      if (asksForMore(claim)) queue.add(`growth:${keyOf(claim)}`);
    };
    claims.subscribe({ onAdd: ofClaim, onUpdate: ofClaim });
    const ofVolume = (volume: PersistentVolume) => {
      if (localPathNode(volume) !== undefined && isToBeRemoved(volume)) queue.add(`volume:${keyOf(volume)}`);
    };
    volumes.subscribe({ onAdd: ofVolume, onUpdate: ofVolume });
    nodes.subscribe({
      onDelete: () => {
        for (const volume of volumes.list()) ofVolume(volume);
      },
    });
    return async (key) => {
      const [kind = "", name = ""] = key.split(":");
      if (kind === "volume") {
        const volume = volumes.getByKey(name);
        const isOrphan = volume !== undefined && isToBeRemoved(volume) && nodeIsGone(volume);
        if (isOrphan) await removeOrphan(context, volume);
        return undefined;
      }
      const claim = claims.getByKey(name);
      if (claim === undefined) return undefined;
      if (kind === "growth") {
        await grow(context, claim, volumes.get({ name: claim.spec.volumeName ?? "" }));
        return undefined;
      }
      const storageClass = classes.get({ name: classOf(claim) });
      const node = nodes.get({ name: selectedNodeOf(claim) ?? "" });
      return provide(context, claim, planLocalPath({ claim, storageClass, node }));
    };

    function nodeIsGone(volume: PersistentVolume): boolean {
      return nodes.get({ name: localPathNode(volume) ?? "" }) === undefined;
    }
  },
};

async function provide(
  { client, recorder }: ControllerContext,
  claim: PersistentVolumeClaim,
  step: ReturnType<typeof planLocalPath>,
) {
  switch (step.kind) {
    case "nothing":
      return undefined;
    case "fail": {
      const message = `failed to provision volume with StorageClass ${JSON.stringify(classOf(claim))}: ${step.message}`;
      recorder.record(claim, { type: "Warning", reason: "ProvisioningFailed", message });
      if (!step.elsewhere) return { requeueAfterMs: againMs };
      const { [volumeAnnotations.selectedNode]: _, ...annotations } = claim.metadata.annotations ?? {};
      await client.update(resources.persistentvolumeclaims, {
        ...claim,
        metadata: { ...claim.metadata, annotations },
      });
      return undefined;
    }
    case "make": {
      const message = `External provisioner is provisioning volume for claim ${JSON.stringify(keyOf(claim))}`;
      recorder.record(claim, { type: "Normal", reason: "Provisioning", message });
      await client.create(resources.persistentvolumes, step.volume).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error; // made a moment ago
      });
      const done = `Successfully provisioned volume ${step.volume.metadata.name}`;
      recorder.record(claim, { type: "Normal", reason: "ProvisioningSucceeded", message: done });
      return undefined;
    }
  }
}

async function grow(
  { client, recorder }: ControllerContext,
  claim: PersistentVolumeClaim,
  found: PersistentVolume | undefined,
): Promise<void> {
  let volume = found;
  for (;;) {
    const step = planGrowth(claim, volume);
    if (step.step === "nothing" || volume === undefined) return;
    if (step.step === "growVolume") {
      const capacity = { ...volume.spec.capacity, storage: step.storage };
      volume = await client.update(resources.persistentvolumes, {
        ...volume,
        spec: { ...volume.spec, capacity },
      });
      continue;
    }
    await client.updateStatus(resources.persistentvolumeclaims, { ...claim, status: step.status });
    const message = "Resize volume succeeded";
    recorder.record(claim, { type: "Normal", reason: "VolumeResizeSuccessful", message });
    return;
  }
}

/** That the node is gone must be true of the API itself; its folder went with it. */
async function removeOrphan({ client }: ControllerContext, volume: PersistentVolume): Promise<void> {
  const name = localPathNode(volume) ?? "";
  const isThere = await client.get(resources.nodes, { name }).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
  if (isThere) return;
  const { uid } = volume.metadata;
  await client
    .delete(resources.persistentvolumes, volume.metadata, { preconditions: { uid } })
    .catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
}
