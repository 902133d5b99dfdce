import type { Informer } from "../client/informer.ts";
import type { EndpointSlice } from "../client/types.ts";

const serviceLabel = "kubernetes.io/service-name";

/** Watches the endpoints of services, and notes each moment at which one that had enough ready ones has fewer. */
export class EndpointWitness {
  readonly problems: string[] = [];
  readonly #slices: Informer<EndpointSlice>;
  /** By `namespace/name` of a service: how many are always to be ready. */
  readonly #least: ReadonlyMap<string, number>;
  readonly #begun = new Set<string>();

  constructor(slices: Informer<EndpointSlice>, least: ReadonlyMap<string, number>) {
    this.#slices = slices;
    this.#least = least;
    const look = (slice: EndpointSlice) => this.#look(slice);
    slices.subscribe({ onAdd: look, onUpdate: look, onDelete: look });
  }

  #look({ metadata }: EndpointSlice): void {
    const service = `${metadata.namespace}/${metadata.labels?.[serviceLabel]}`;
    const least = this.#least.get(service);
    if (least === undefined) return;
    const ready = readyAddresses(this.#slices.list(), service).length;
    if (ready >= least) this.#begun.add(service);
    else if (this.#begun.has(service))
      this.problems.push(`service ${service}: ${ready} ready endpoints, not fewer than ${least} are allowed`);
  }
}

/** The addresses of a service's ready endpoints, sorted.
 *  @param service `namespace/name` */
export function readyAddresses(slices: readonly EndpointSlice[], service: string): string[] {
  return slices
    .filter(({ metadata }) => `${metadata.namespace}/${metadata.labels?.[serviceLabel]}` === service)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses)
    .sort();
}
