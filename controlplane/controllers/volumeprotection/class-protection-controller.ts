import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  VolumeAttributesClass,
} from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import {
  attributesClassesOf,
  classFinalizer,
  protectionStep,
  withFinalizer,
  withoutFinalizer,
} from "./plan-protection.ts";
import { unlessChanged, withFinalizers } from "./write-finalizers.ts";

/** Kubernetes' vac-protection: a class of volume attributes goes when no claim and no volume names it any more. */
export const attributesClassProtectionController: Controller = {
  name: "volumeattributesclass-protection-controller",
  workers: 1,
  setUp(context, queue) {
    const classes = context.informers.informer(resources.volumeattributesclasses);
    const claims = context.informers.informer(resources.persistentvolumeclaims);
    const volumes = context.informers.informer(resources.persistentvolumes);
    const look = (one: VolumeAttributesClass) => {
      if (protectionStep(one, classFinalizer) !== "nothing") queue.add(keyOf(one));
    };
    classes.subscribe({ onAdd: look, onUpdate: look });
    const release = (user: PersistentVolumeClaim | PersistentVolume) => {
      for (const name of attributesClassesOf(user)) queue.add(name);
    };
    claims.subscribe({ onUpdate: (_, previous) => release(previous), onDelete: release });
    volumes.subscribe({ onUpdate: (_, previous) => release(previous), onDelete: release });
    return async (key) => {
      const found = classes.getByKey(key);
      if (found === undefined) return undefined;
      const step = protectionStep(found, classFinalizer);
      const { name } = found.metadata;
      const isUsed = () =>
        [...claims.list(), ...volumes.list()].some((one) => attributesClassesOf(one).includes(name));
      if (step === "nothing" || (step === "removeIfUnused" && isUsed())) return undefined;
      const change = step === "add" ? withFinalizer : withoutFinalizer;
      const finalizers = change(found.metadata, classFinalizer);
      await unlessChanged(() =>
        context.client.update(resources.volumeattributesclasses, withFinalizers(found, finalizers)),
      );
      return undefined;
    };
  },
};
