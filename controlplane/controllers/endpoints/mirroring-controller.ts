import { isNotFound } from "../../../client/api-error.ts";
import { keyOf, keyOfRef, type Stored } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { EndpointSlice, Endpoints } from "../../../client/types.ts";
import { isNamespaceTerminating } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { confirmAfterMs } from "../expectations.ts";
import { generatedName } from "../generated-name.ts";
import { OwnWrites } from "../own-writes.ts";
import { enqueueSelf } from "../owner-events.ts";
import { type MirrorAction, mirroredBy, planMirror } from "./plan-mirror.ts";
import { managedByLabel, serviceNameLabel } from "./plan-slices.ts";

const mirrorIndex = "mirror";
/** The key of the Endpoints that a slice mirrors, which is its Service's too. */
const mirroredOf = ({ metadata }: Stored): readonly string[] => {
  const name = metadata.labels?.[serviceNameLabel];
  return name !== undefined && metadata.labels?.[managedByLabel] === mirroredBy
    ? [keyOfRef({ name, namespace: metadata.namespace })]
    : [];
};

/** Shows Endpoints that were written by hand as EndpointSlices, which is all that proxies read. */
export const endpointSliceMirroringController: Controller = {
  name: "endpointslice-mirroring-controller",
  workers: 3,
  setUp(context, queue) {
    const endpoints = context.informers.informer(resources.endpoints);
    const services = context.informers.informer(resources.services);
    const slices = context.informers.informer(resources.endpointslices);
    slices.addIndex(mirrorIndex, mirroredOf);
    const { mirroringBatchMs, mirroredPerSubsetMost } = context.config.endpoints;
    const enqueueLater = (source: Endpoints) => queue.addAfter(keyOf(source), mirroringBatchMs);
    endpoints.subscribe({ onAdd: enqueueLater, onUpdate: enqueueLater, onDelete: enqueueLater });
    enqueueSelf(queue, services);
    const enqueue = (slice: EndpointSlice) => {
      for (const key of mirroredOf(slice)) queue.add(key);
    };
    slices.subscribe({
      onAdd: enqueue,
      onUpdate: (next, previous) => {
        enqueue(previous);
        enqueue(next);
      },
      onDelete: enqueue,
    });
    const writes = new OwnWrites(slices, context.clock);
    return async (key) => {
      if (!writes.areShown(key)) return { requeueAfterMs: confirmAfterMs };
      const source = endpoints.getByKey(key);
      const plan = planMirror(
        source,
        services.getByKey(key),
        slices.byIndex(mirrorIndex, key),
        mirroredPerSubsetMost,
      );
      if (source !== undefined) report(context, source, plan);
      const [namespace = "", name = ""] = key.split("/");
      for (const step of plan.actions) {
        const written = await carryOut(context, { namespace, name }, step);
        if (written !== undefined) writes.wrote(key, written);
      }
      return undefined;
    };
  },
};

function report(
  { recorder, config }: ControllerContext,
  endpoints: Endpoints,
  { invalid, skipped }: ReturnType<typeof planMirror>,
): void {
  const warn = (reason: string, message: string) =>
    recorder.record(endpoints, { type: "Warning", reason, message });
  if (invalid > 0)
    warn("InvalidIPAddress", `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`);
  if (skipped > invalid)
    warn(
      "TooManyAddressesToMirror",
      `A max of ${config.endpoints.mirroredPerSubsetMost} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`,
    );
}

async function carryOut(
  { client, random }: ControllerContext,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  step: MirrorAction,
): Promise<EndpointSlice | undefined> {
  try {
    switch (step.action) {
      case "create": {
        const base = `${name}-`;
        const metadata = { ...step.object.metadata, name: generatedName(base, random), generateName: base };
        return await client.create(resources.endpointslices, { ...step.object, metadata });
      }
      case "update":
        return await client.update(resources.endpointslices, step.object);
      case "delete":
        await client.delete(resources.endpointslices, { name: step.name, namespace });
        return undefined;
    }
  } catch (error) {
    if (isNamespaceTerminating(error) || (step.action === "delete" && isNotFound(error))) return undefined;
    throw error;
  }
}
