import { isAlreadyExists, isConflict, isNotFound } from "../../../client/api-error.ts";
import { keyOfRef, type Stored } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { EndpointSlice, Endpoints, Service } from "../../../client/types.ts";
import { isNamespaceTerminating } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { confirmAfterMs } from "../expectations.ts";
import { generatedName } from "../generated-name.ts";
import { OwnWrites } from "../own-writes.ts";
import { enqueueSelf } from "../owner-events.ts";
import { isBeingDeleted } from "../owners.ts";
import { endpointsManagedBy, endpointsManagedByLabel, planEndpoints } from "./plan-endpoints.ts";
import { managedBy, managedByLabel, planSlices, type SliceAction, serviceNameLabel } from "./plan-slices.ts";
import { enqueueServicesOfPods, podsOf } from "./service-pods.ts";

const serviceIndex = "service";
const serviceOf = ({ metadata }: Stored): readonly string[] => {
  const name = metadata.labels?.[serviceNameLabel];
  return name !== undefined && metadata.labels?.[managedByLabel] === managedBy
    ? [keyOfRef({ name, namespace: metadata.namespace })]
    : [];
};

export const endpointSliceController: Controller = {
  name: "endpointslice-controller",
  workers: 3,
  setUp(context, queue) {
    const services = context.informers.informer(resources.services);
    const pods = context.informers.informer(resources.pods);
    const nodes = context.informers.informer(resources.nodes);
    const slices = context.informers.informer(resources.endpointslices);
    slices.addIndex(serviceIndex, serviceOf);
    const { slicesBatchMs, endpointsPerSliceMost } = context.config.endpoints;
    enqueueSelf(queue, services);
    enqueueServicesOfPods(queue, services, pods, slicesBatchMs);
    const enqueue = (slice: EndpointSlice) => {
      for (const key of serviceOf(slice)) queue.add(key);
    };
    slices.subscribe({ onAdd: enqueue, onUpdate: enqueue, onDelete: enqueue });
    const writes = new OwnWrites(slices, context.clock);
    return async (key) => {
      const service = services.getByKey(key);
      // Without their Service slices go by garbage collection.
      if (service === undefined || isBeingDeleted(service)) return undefined;
      const found = podsOf(service, pods);
      if (found === undefined) return undefined;
      if (!writes.areShown(key)) return { requeueAfterMs: confirmAfterMs };
      const plan = planSlices(service, found, slices.byIndex(serviceIndex, key), {
        nodeOf: (name) => nodes.get({ name }),
        endpointsPerSliceMost,
      });
      for (const step of plan) {
        const written = await carryOut(context, service, step);
        if (written !== undefined) writes.wrote(key, written);
      }
      return undefined;
    };
  },
};

async function carryOut(
  { client, random, recorder }: ControllerContext,
  service: Service,
  step: SliceAction,
): Promise<EndpointSlice | undefined> {
  const namespace = service.metadata.namespace ?? "";
  try {
    switch (step.action) {
      case "create": {
        const base = `${service.metadata.name}-`;
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
    if (!isConflict(error))
      recorder.record(service, {
        type: "Warning",
        reason: "FailedToUpdateEndpointSlices",
        message: `Error updating Endpoint Slices for Service ${namespace}/${service.metadata.name}: ${error instanceof Error ? error.message : error}`,
      });
    throw error;
  }
}

export const endpointsController: Controller = {
  name: "endpoints-controller",
  workers: 3,
  setUp(context, queue) {
    const services = context.informers.informer(resources.services);
    const pods = context.informers.informer(resources.pods);
    const endpoints = context.informers.informer(resources.endpoints);
    enqueueSelf(queue, services);
    enqueueServicesOfPods(queue, services, pods, context.config.endpoints.endpointsBatchMs);
    enqueueSelf(queue, endpoints);
    return async (key) => {
      const service = services.getByKey(key);
      const existing = endpoints.getByKey(key);
      if (service === undefined) {
        if (existing !== undefined) await removeLeftover(context, existing);
        return;
      }
      const found = podsOf(service, pods);
      if (found === undefined) return;
      const next = planEndpoints(service, found, existing);
      if (next === undefined) return;
      try {
        if (existing === undefined) await context.client.create(resources.endpoints, next);
        else await context.client.update(resources.endpoints, next);
      } catch (error) {
        if (!isNamespaceTerminating(error) && !isAlreadyExists(error)) throw error;
      }
    };
  },
};

/** Endpoints whose Service went while nobody looked. Those made by hand, without a Service, carry no mark of ours. */
async function removeLeftover({ client }: ControllerContext, existing: Endpoints): Promise<void> {
  if (existing.metadata.labels?.[endpointsManagedByLabel] !== endpointsManagedBy) return;
  const { uid } = existing.metadata;
  try {
    await client.delete(resources.endpoints, existing.metadata, { preconditions: { uid } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
