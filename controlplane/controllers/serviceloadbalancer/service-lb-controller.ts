import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { EndpointSlice, Service } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { doAll } from "../do-all.ts";
import { balancingFacts } from "./balancing-nodes.ts";
import { followHeldPorts } from "./held-ports.ts";
import { type BalancerChange, isOfConcern, planLoadBalancers } from "./plan-load-balancers.ts";

const concernIndex = "load-balancer-concern";
const sliceIndex = "load-balancer-service";
const serviceLabel = "kubernetes.io/service-name";
const apiServerKey = "default/kubernetes";
/** Nodes have their ports once: all Services are looked at together, as often as they change. */
const everything = "services";

export const serviceLbController: Controller = {
  name: "service-lb-controller",
  workers: 1,
  enabled: ({ balancing }) => balancing !== undefined,
  setUp(context, queue) {
    const { informers, config, clock } = context;
    const services = informers.informer(resources.services);
    const nodes = informers.informer(resources.nodes);
    const pods = informers.informer(resources.pods);
    const slices = informers.informer(resources.endpointslices);
    services.addIndex(concernIndex, (service) => (isOfConcern(service) ? [concernIndex] : []));
    slices.addIndex(sliceIndex, (slice) => [serviceOf(slice)]);
    const wake = () => queue.add(everything);
    const heldBy = followHeldPorts(services, pods, wake);
    const ifOfConcern = (service: Service) => {
      if (isOfConcern(service)) wake();
    };
    services.subscribe({
      onAdd: ifOfConcern,
      onDelete: ifOfConcern,
      onUpdate: (next, previous) => {
        ifOfConcern(next);
        ifOfConcern(previous);
      },
    });
    nodes.subscribe({
      onAdd: wake,
      onDelete: wake,
      onUpdate: (next, previous) => {
        if (balancingFacts(next) !== balancingFacts(previous)) wake();
      },
    });
    const ofSlice = (slice: EndpointSlice) => {
      const key = serviceOf(slice);
      const service = services.getByKey(key);
      if (key === apiServerKey || (service !== undefined && keepsToNodes(service))) wake();
    };
    slices.subscribe({ onAdd: ofSlice, onDelete: ofSlice, onUpdate: ofSlice });
    return async () => {
      const changes = planLoadBalancers({
        services: services.byIndex(concernIndex, concernIndex),
        nodes: nodes.list(),
        slicesOf: ({ metadata }) => slices.byIndex(sliceIndex, `${metadata.namespace}/${metadata.name}`),
        apiServers: placesOf(slices.byIndex(sliceIndex, apiServerKey)),
        heldBy,
        keptPorts: config.balancing?.keptPorts ?? new Set(),
        by: config.balancing?.by,
        pool: config.balancing?.pool ?? [],
        nowMs: clock.wallMs(),
      });
      await doAll(changes, (change) => write(context, change));
      return undefined;
    };
  },
};

const serviceOf = ({ metadata }: EndpointSlice) =>
  `${metadata.namespace}/${metadata.labels?.[serviceLabel] ?? ""}`;

const keepsToNodes = (service: Service) =>
  isOfConcern(service) && service.spec.externalTrafficPolicy === "Local";

const placesOf = (slices: readonly EndpointSlice[]): ReadonlySet<string> =>
  new Set(
    slices.flatMap(({ endpoints, ports }) =>
      (endpoints ?? []).flatMap(({ addresses }) =>
        addresses.flatMap((address) => (ports ?? []).map(({ port }) => `${address}:${port}`)),
      ),
    ),
  );

/** A Service that somebody changed meanwhile is planned again once that is seen here. */
async function write(
  { client, recorder, meter }: ControllerContext,
  { service, status, verdict }: BalancerChange,
): Promise<void> {
  try {
    await client.updateStatus(resources.services, { ...service, status });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
    return;
  }
  balancerMetrics(meter).syncs.inc({});
  if (verdict?.ok === true)
    recorder.record(service, {
      type: "Normal",
      reason: "EnsuredLoadBalancer",
      message: `Ensured load balancer: ${verdict.addresses.join(", ")}`,
    });
  if (verdict?.ok === false)
    recorder.record(service, {
      type: "Warning",
      reason: "SyncLoadBalancerFailed",
      message: `Error syncing load balancer: ${verdict.why}`,
    });
}

/** Kubernetes' name. */
const balancerMetrics = oncePerMeter((meter) => ({
  syncs: meter.counter(
    "service_controller_loadbalancer_sync_total",
    "Statuses of load balancers that were written.",
    [],
  ),
}));
