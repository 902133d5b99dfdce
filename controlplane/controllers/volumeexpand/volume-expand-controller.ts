import { compareQuantities } from "../../../base/quantity.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { localPathNode } from "../../../client/rules/local-path.ts";
import { capacityOf, requestOf } from "../../../client/rules/volume-size.ts";
import type { PersistentVolumeClaim } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";

/** Kubernetes' expand controller without plugins of its own: whoever makes a volume makes it larger – CSI drivers' resizers, and
 *  our provisioner of local folders –, and the claim's users are told where it waits for somebody outside. */
export const volumeExpandController: Controller = {
  name: "persistentvolume-expander-controller",
  workers: 10,
  setUp({ informers, client, recorder }, queue) {
    const claims = informers.informer(resources.persistentvolumeclaims);
    const add = (claim: PersistentVolumeClaim) => {
      if (claim.status?.phase === "Bound") queue.add(keyOf(claim));
    };
    claims.subscribe({
      onAdd: add,
      onUpdate: (next, before) => {
        if (compareQuantities(requestOf(next), requestOf(before)) > 0) add(next);
      },
    });
    return async (key) => {
      const claim = claims.getByKey(key);
      if (claim === undefined || compareQuantities(requestOf(claim), capacityOf(claim)) <= 0)
        return undefined;
      const { uid } = claim.metadata;
      const volume = await client.get(resources.persistentvolumes, { name: claim.spec.volumeName ?? "" });
      if (volume.spec.claimRef?.uid !== uid)
        throw new Error(`persistent Volume is not bound to PVC being updated : ${key}`);
      // Its maker is no external controller, and has it done at once.
      if (localPathNode(volume) !== undefined) return undefined;
      const message = "waiting for an external controller to expand this PVC";
      recorder.record(claim, { type: "Normal", reason: "ExternalExpanding", message });
      return undefined;
    };
  },
};
