import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { hostImage } from "../images/host-image.ts";
import type { Image } from "../images/image.ts";
import type { ImageSource } from "../images/image-source.ts";

/** As a Node tells of it. */
export interface NodeImage {
  readonly names: string[];
  readonly sizeBytes: number;
}

/** As kubelets. */
export const nodeImageLimits = { namesMost: 5, everyMs: 30_000 } as const;

/** The largest images of a node, by the kubelet's order and bounds; -1: all of them. Pure. */
export function nodeImages(images: readonly Image[], most: number): readonly NodeImage[] {
  const sorted = images.filter(({ id }) => id !== hostImage.id).sort((a, b) => b.sizeBytes - a.sizeBytes);
  return (most < 0 ? sorted : sorted.slice(0, most)).map(({ digests, names, sizeBytes }) => ({
    names: [...digests, ...names].slice(0, nodeImageLimits.namesMost),
    sizeBytes,
  }));
}

/** The images that a node tells of, as they come and go. */
export class NodeImages {
  readonly #most: number;
  #known: readonly NodeImage[] | undefined;

  /** @param most -1: all. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined until they were looked at. */
  get known(): readonly NodeImage[] | undefined {
    return this.#known;
  }

  /** Looks at them again and again. */
  async follow(
    source: Pick<ImageSource, "list">,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      try {
        this.#known = nodeImages(await source.list(), this.#most);
      } catch (error) {
        log.warn("cannot list images for the node's status", { error });
      }
      await sleep(clock, nodeImageLimits.everyMs, signal);
    }
  }
}
