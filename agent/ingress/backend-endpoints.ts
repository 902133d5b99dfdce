import type { Informer } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import type { EndpointSlice, Service } from "../../client/types.ts";
import type { NodeView } from "../network/service-endpoints.ts";
import { backendView } from "./backends.ts";
import type { Change } from "./data-plane.ts";
import { type BackendRef, backendKey } from "./ingress-routes.ts";

const sliceIndex = "ingress-service";
const serviceLabel = "kubernetes.io/service-name";

export interface BackendParts {
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly view: () => NodeView;
  /** Tells whoever serves. */
  readonly apply: (change: Change) => void;
  /** Something is to be carried out. */
  readonly wake: () => void;
}

interface KnownBackend {
  readonly ref: BackendRef;
  readonly owners: Set<string>;
  said: string;
  problem: string | undefined;
}

/** Follows the endpoints of the Services' ports that routes lead to. A change costs the ports of one Service. */
export class BackendEndpoints {
  readonly #parts: BackendParts;
  readonly #backends = new Map<string, KnownBackend>();
  /** `namespace/name` of a Service -> its ports that routes lead to. */
  readonly #ofService = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(parts: BackendParts) {
    this.#parts = parts;
  }

  follow(): void {
    const { services, slices, wake } = this.#parts;
    slices.addIndex(sliceIndex, (slice) => [serviceOf(slice)]);
    const touch = (key: string) => {
      this.#dirty.add(key);
      wake();
    };
    const onService = (one: Service) => touch(keyOf(one));
    const onSlice = (one: EndpointSlice) => touch(serviceOf(one));
    this.#unsubscribe.push(
      services.subscribe({ onAdd: onService, onUpdate: onService, onDelete: onService }),
      slices.subscribe({
        onAdd: onSlice,
        onDelete: onSlice,
        onUpdate: (next, previous) => {
          onSlice(next);
          onSlice(previous);
        },
      }),
    );
  }

  stop(): void {
    for (const off of this.#unsubscribe) off();
  }

  /** The node moved to another zone: other endpoints are near. */
  viewChanged(): void {
    for (const service of this.#ofService.keys()) this.#dirty.add(service);
    this.#parts.wake();
  }

  /** Tells what changed. @returns The owners of backends of which there is something else to say. */
  carryOut(): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const service of this.#dirty)
      for (const key of this.#ofService.get(service) ?? [])
        if (this.#tell(key)) for (const owner of this.#backends.get(key)?.owners ?? []) touched.add(owner);
    this.#dirty.clear();
    return touched;
  }

  use(owner: string, ref: BackendRef): void {
    const key = backendKey(ref);
    const known = this.#backends.get(key);
    if (known !== undefined) {
      known.owners.add(owner);
      return;
    }
    this.#backends.set(key, { ref, owners: new Set([owner]), said: "", problem: undefined });
    const service = `${ref.namespace}/${ref.service}`;
    this.#ofService.set(service, (this.#ofService.get(service) ?? new Set()).add(key));
    this.#tell(key);
  }

  leave(owner: string, ref: BackendRef): void {
    const key = backendKey(ref);
    const known = this.#backends.get(key);
    known?.owners.delete(owner);
    if (known === undefined || known.owners.size > 0) return;
    this.#backends.delete(key);
    const service = `${ref.namespace}/${ref.service}`;
    this.#ofService.get(service)?.delete(key);
    if (this.#ofService.get(service)?.size === 0) this.#ofService.delete(service);
    this.#parts.apply({ kind: "endpoints", backend: key, endpoints: undefined });
  }

  problemOf(ref: BackendRef): string | undefined {
    return this.#backends.get(backendKey(ref))?.problem;
  }

  /** @returns Whether there is something else to say about it. */
  #tell(key: string): boolean {
    const known = this.#backends.get(key);
    if (known === undefined) return false;
    const { services, slices, view, apply } = this.#parts;
    const service = `${known.ref.namespace}/${known.ref.service}`;
    const { endpoints, problem } = backendView(
      known.ref,
      services.getByKey(service),
      slices.byIndex(sliceIndex, service),
      view(),
    );
    const said = JSON.stringify(endpoints);
    if (said !== known.said) apply({ kind: "endpoints", backend: key, endpoints });
    known.said = said;
    const isNew = problem !== known.problem;
    known.problem = problem;
    return isNew;
  }
}

const serviceOf = ({ metadata }: EndpointSlice) =>
  `${metadata.namespace}/${metadata.labels?.[serviceLabel] ?? ""}`;
