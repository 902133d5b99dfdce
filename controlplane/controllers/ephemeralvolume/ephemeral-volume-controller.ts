import { describeError } from "../../../base/os/log.ts";
import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { volumeClaims } from "../../../client/rules/volume-claims.ts";
import type { Pod } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { isBeingDeleted } from "../owners.ts";
import { hasOwnVolumes, planOwnVolumes, type VolumeStep } from "./plan-volumes.ts";

const claimIndex = "own-volume-claims";

/** Names of the claims that are, or are to be, the pod's own. */
const ownClaims = (pod: Pod): readonly string[] =>
  volumeClaims(pod).flatMap(({ name, isOwned }) => (isOwned ? `${pod.metadata.namespace}/${name}` : []));

/** Kubernetes' ephemeral volume controller: a pod's own volumes get claims, which the garbage collector removes with it. */
export const ephemeralVolumeController: Controller = {
  name: "ephemeral-volume-controller",
  workers: 5,
  setUp({ informers, client, recorder, meter }, queue) {
    const pods = informers.informer(resources.pods);
    const claims = informers.informer(resources.persistentvolumeclaims);
    const metrics = creationMetrics(meter);
    pods.addIndex(claimIndex, ownClaims);
    const add = (pod: Pod) => {
      if (!isBeingDeleted(pod) && hasOwnVolumes(pod)) queue.add(keyOf(pod));
    };
    // Which volumes a pod has never changes.
    pods.subscribe({ onAdd: add });
    claims.subscribe({
      onDelete: (claim) => {
        for (const pod of pods.byIndex(claimIndex, keyOf(claim))) add(pod);
      },
    });
    return async (key, signal) => {
      const pod = pods.getByKey(key);
      if (pod === undefined) return undefined;
      const { namespace } = pod.metadata;
      for (const step of planOwnVolumes(pod, (name) => claims.get({ namespace, name }))) {
        try {
          await carryOut(step, signal);
        } catch (error) {
          const message = `ephemeral volume ${step.volume}: ${describeError(error)}`;
          recorder.record(pod, { type: "Warning", reason: "FailedBinding", message });
          throw new Error(`pod ${key}, ephemeral volume ${step.volume}`, { cause: error });
        }
      }
      return undefined;
    };

    async function carryOut(step: VolumeStep, signal: AbortSignal): Promise<void> {
      if (step.step === "refuse") throw new Error(step.why);
      metrics.created.inc();
      try {
        await client.create(resources.persistentvolumeclaims, step.draft, { signal });
      } catch (error) {
        metrics.failed.inc();
        throw new Error(`create PVC ${step.draft.metadata.name}`, { cause: error });
      }
    }
  },
};

const creationMetrics = oncePerMeter((meter) => ({
  created: meter.counter(
    "ephemeral_volume_controller_create_total",
    "[ALPHA] Number of PersistentVolumeClaim creation requests",
  ),
  failed: meter.counter(
    "ephemeral_volume_controller_create_failures_total",
    "[ALPHA] Number of PersistentVolumeClaim creation requests",
  ),
}));
