import { createHash } from "node:crypto";
import type { Random } from "../../base/os/random.ts";
import type { Endpoint, WeightedBackend } from "./route.ts";

interface Backend {
  readonly endpoints: readonly Endpoint[];
  /** Whose turn it is. */
  next: number;
  /** By what a client's cookie says; made when the first one is asked for. */
  byToken: ReadonlyMap<string, Endpoint> | undefined;
}

/** Endpoints of backends, and whose turn it is. */
export class EndpointPool {
  readonly #backends = new Map<string, Backend>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  set(backend: string, endpoints: readonly Endpoint[] | undefined): void {
    if (endpoints === undefined) this.#backends.delete(backend);
    else {
      const next = Math.floor((this.#random.uint32() / 2 ** 32) * Math.max(1, endpoints.length));
      this.#backends.set(backend, { endpoints, next, byToken: undefined });
    }
  }

  /** One of the backends by their weights. */
  choose(backends: readonly WeightedBackend[]): WeightedBackend | undefined {
    if (backends.length === 1) return (backends[0]?.weight ?? 0) > 0 ? backends[0] : undefined;
    const total = backends.reduce((sum, { weight }) => sum + weight, 0);
    let left = (this.#random.uint32() / 2 ** 32) * total;
    for (const one of backends) {
      left -= one.weight;
      if (left < 0) return one;
    }
    return undefined;
  }

  /** Whose turn it is among those that were not tried; undefined: there is none left. */
  next(backend: string, tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    const known = this.#backends.get(backend);
    if (known === undefined) return undefined;
    const { endpoints } = known;
    for (let step = 0; step < endpoints.length; step++) {
      const one = endpoints[known.next % endpoints.length];
      known.next = (known.next + 1) % endpoints.length;
      if (one !== undefined && !tried.has(one)) return one;
    }
    return undefined;
  }

  hasOther(backend: string, tried: ReadonlySet<Endpoint>): boolean {
    return this.#backends.get(backend)?.endpoints.some((one) => !tried.has(one)) ?? false;
  }

  /** The endpoint that a client's cookie names. */
  byToken(backend: string, token: string): Endpoint | undefined {
    const known = this.#backends.get(backend);
    if (known === undefined) return undefined;
    known.byToken ??= new Map(known.endpoints.map((one) => [endpointToken(backend, one), one]));
    return known.byToken.get(token);
  }
}

/** What every node calls an endpoint in cookies: its address is not told. */
export function endpointToken(backend: string, { address, port }: Endpoint): string {
  return createHash("sha256").update(`${backend} ${address} ${port}`).digest("hex").slice(0, 32);
}
