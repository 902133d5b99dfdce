import { serverBusy } from "../api-error.ts";

/** What may have arrived of bodies that are not complete yet, all together. */
export const bodiesBytesMax = 64 * 1024 * 1024;

interface Place {
  sizeBytes: number;
  readonly refuse: (error: unknown) => void;
}

/** Bounds what half-sent bodies hold. Who sends slowly holds no place among the requests under way, only memory; when
 *  that runs out the largest half-sent body is refused, so that small requests, heartbeats among them, always pass. */
export class BodiesUnderWay {
  readonly #bytesMax: number;
  readonly #places = new Set<Place>();
  #sizeBytes = 0;

  constructor(bytesMax = bodiesBytesMax) {
    this.#bytesMax = bytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @param refuse is told 429 when this body must go; it leaves then. */
  enter(refuse: (error: unknown) => void): { grow(bytes: number): void; leave(): void } {
    const place: Place = { sizeBytes: 0, refuse };
    this.#places.add(place);
    return {
      grow: (bytes) => {
        place.sizeBytes += bytes;
        this.#sizeBytes += bytes;
        if (this.#sizeBytes > this.#bytesMax) this.#refuseLargest();
      },
      leave: () => {
        if (this.#places.delete(place)) this.#sizeBytes -= place.sizeBytes;
      },
    };
  }

  #refuseLargest(): void {
    let largest: Place | undefined;
    for (const place of this.#places)
      if (largest === undefined || place.sizeBytes > largest.sizeBytes) largest = place;
    largest?.refuse(serverBusy());
  }
}
