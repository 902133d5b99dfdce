import type { Descriptor } from "./image-documents.ts";

/** How much of an image's packed layers is here. */
export interface PullProgress {
  readonly layers: number;
  readonly layersAll: number;
  readonly bytes: number;
  readonly bytesAll: number;
}

export class LayerProgress {
  readonly #sizes: readonly number[];
  readonly #tell: ((progress: PullProgress) => void) | undefined;
  readonly #bytes: number[];
  readonly #standing = new Set<number>();

  constructor(layers: readonly Descriptor[], tell: ((progress: PullProgress) => void) | undefined) {
    this.#sizes = layers.map(({ size }) => size);
    this.#bytes = layers.map(() => 0);
    this.#tell = tell;
  }

  has(at: number, bytes: number): void {
    this.#bytes[at] = bytes;
    this.#tell?.({
      layers: this.#standing.size,
      layersAll: this.#sizes.length,
      bytes: sum(this.#bytes),
      bytesAll: sum(this.#sizes),
    });
  }

  stands(at: number): void {
    this.#standing.add(at);
    this.has(at, this.#sizes[at] ?? 0);
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
