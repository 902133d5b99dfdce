import type { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import type { EndpointSlice, Service } from "../../client/types.ts";
import { serviceNames } from "./service-names.ts";
import type { ServiceZone } from "./zone.ts";

const serviceLabel = "kubernetes.io/service-name";

interface Known {
  service: Service | undefined;
  readonly slices: Map<string, EndpointSlice>;
}

/** Keeps the zone equal to the Services and slices there are. */
export function followServices(
  zone: ServiceZone,
  informers: InformerFactory,
): { readonly isRead: () => boolean; readonly stop: () => void } {
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const known = new Map<string, Known>();
  const change = (namespace: string, name: string, apply: (entry: Known) => void) => {
    const key = `${namespace}/${name}`;
    const entry: Known = known.get(key) ?? { service: undefined, slices: new Map() };
    apply(entry);
    if (entry.service === undefined && entry.slices.size === 0) known.delete(key);
    else known.set(key, entry);
    const names =
      entry.service === undefined ? undefined : serviceNames(entry.service, [...entry.slices.values()]);
    zone.set(namespace, name, names);
  };
  const onService = ({ metadata }: Service, now: Service | undefined) =>
    change(metadata.namespace ?? "", metadata.name, (entry) => {
      entry.service = now;
    });
  const onSlice = (slice: EndpointSlice, isThere: boolean) => {
    const { namespace = "", name, labels } = slice.metadata;
    const service = labels?.[serviceLabel];
    if (service === undefined) return;
    change(namespace, service, (entry) => {
      if (isThere) entry.slices.set(name, slice);
      else entry.slices.delete(name);
    });
  };
  const unsubscribe = [
    services.subscribe({
      onAdd: (service) => onService(service, service),
      onUpdate: (service) => onService(service, service),
      onDelete: (service) => onService(service, undefined),
    }),
    slices.subscribe({
      onAdd: (slice) => onSlice(slice, true),
      onUpdate: (slice, before) => {
        // It may have been given to another Service.
        if (slice.metadata.labels?.[serviceLabel] !== before.metadata.labels?.[serviceLabel])
          onSlice(before, false);
        onSlice(slice, true);
      },
      onDelete: (slice) => onSlice(slice, false),
    }),
  ];
  return {
    isRead: () => services.hasSynced && slices.hasSynced,
    stop() {
      for (const off of unsubscribe) off();
    },
  };
}
