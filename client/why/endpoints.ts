import { resources } from "../resources.ts";
import type { EndpointSlice, Service } from "../types.ts";
import type { Facts } from "./facts.ts";

export const serviceLabel = "kubernetes.io/service-name";

export function slicesOf(
  { metadata: { namespace, name } }: Service,
  facts: Facts,
): readonly EndpointSlice[] | undefined {
  const slices = facts.list(resources.endpointslices, namespace);
  return slices?.filter(
    ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[serviceLabel] === name,
  );
}

export const hasReadyEndpoint = (slices: readonly EndpointSlice[]): boolean =>
  slices.some(({ endpoints }) =>
    (endpoints ?? []).some(
      ({ addresses, conditions }) => addresses.length > 0 && conditions?.ready !== false,
    ),
  );
