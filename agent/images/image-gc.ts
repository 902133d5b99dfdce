import { type Clock, sleep } from "../../base/os/clock.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { Image } from "./image.ts";
import type { ImageHolds } from "./image-holds.ts";
import type { ImageSource } from "./image-source.ts";
import {
  type DiskSpace,
  type ImageGcPolicy,
  type ImageRecord,
  outdatedImages,
  recordImages,
  spaceWanted,
  unusedImages,
} from "./plan-image-gc.ts";
import { usedImages } from "./used-images.ts";

export type CollectedImages = ReturnType<typeof collectedImages>;

export const collectedImages = (meter: Meter) =>
  meter.counter(
    "kubelet_image_garbage_collected_total",
    "Total number of images garbage collected by the kubelet, whether through disk usage or image age.",
    ["reason"],
  );

export interface ImageGcDeps {
  readonly source: Pick<ImageSource, "list" | "remove" | "tidy">;
  readonly holds: Pick<ImageHolds, "isHeld" | "remove">;
  readonly runtime: Pick<Runtime, "listContainers">;
  /** Of the disk that the images are on. */
  readonly space: () => Promise<DiskSpace>;
  readonly clock: Clock;
  readonly log: Log;
  readonly collected: CollectedImages;
  /** For an event of the Node's. */
  readonly onTrouble: (
    reason: "FreeDiskSpaceFailed" | "ImageGCFailed" | "InvalidDiskCapacity",
    message: string,
  ) => void;
}

/** As the kubelet. */
const pauseMs = 300_000;

/** Removes images that no container and no pod here needs, as the kubelet does: when the disk fills, or when they are old. */
export class ImageGc {
  readonly #policy: ImageGcPolicy;
  readonly #deps: ImageGcDeps;
  #records: ReadonlyMap<string, ImageRecord> = new Map();
  #last: Promise<unknown> = Promise.resolve();

  constructor(policy: ImageGcPolicy, deps: ImageGcDeps) {
    this.#policy = policy;
    this.#deps = deps;
  }

  /** Rejects where too little could be freed. */
  collect(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#deps.source.tidy();
      const { images, nowMs } = await this.#look();
      const unused = unusedImages(images, this.#records, this.#policy, nowMs);
      const outdated = outdatedImages(unused, this.#records, this.#policy, nowMs);
      await this.#remove(outdated, Number.POSITIVE_INFINITY, "age");
      const space = await this.#deps.space();
      if (space.capacityBytes === 0) {
        const message = "invalid capacity 0 on image filesystem";
        this.#deps.onTrouble("InvalidDiskCapacity", message);
        throw new Error(message);
      }
      const wanted = spaceWanted(space, this.#policy);
      if (wanted === undefined) return;
      this.#deps.log.info("the images' disk fills; removing what is not used", { ...wanted });
      const left = unused.filter((image) => !outdated.includes(image));
      const freedBytes = await this.#remove(left, wanted.bytes, "space");
      if (freedBytes >= wanted.bytes) return;
      const message =
        `Insufficient free disk space on the node's image filesystem (${wanted.usedPercent}% of ${space.capacityBytes} bytes used). ` +
        `Failed to free sufficient space by deleting unused images (freed ${freedBytes} bytes). ` +
        "Investigate disk usage, as it could be used by active images, logs, volumes, or other data.";
      this.#deps.onTrouble("FreeDiskSpaceFailed", message);
      throw new Error(message);
    });
  }

  /** All that are not used and old enough, for a disk that is full. Answers their bytes, as the images' sizes say. */
  deleteUnused(): Promise<number> {
    return this.#inTurn(async () => {
      const { images, nowMs } = await this.#look();
      const unused = unusedImages(images, this.#records, this.#policy, nowMs);
      return this.#remove(unused, Number.POSITIVE_INFINITY, "space");
    });
  }

  async #look(): Promise<{ readonly images: readonly Image[]; readonly nowMs: number }> {
    const { source, holds, runtime, clock } = this.#deps;
    const images = await source.list();
    const used = new Set(runtime.listContainers().flatMap(usedImages));
    const nowMs = clock.monotonicMs();
    this.#records = recordImages(this.#records, images, (id) => used.has(id) || holds.isHeld(id), nowMs);
    return { images, nowMs };
  }

  async #remove(images: readonly Image[], bytesMost: number, reason: "age" | "space"): Promise<number> {
    const { source, holds, log, collected } = this.#deps;
    const errors: unknown[] = [];
    let freedBytes = 0;
    for (const { id, names, sizeBytes } of images) {
      if (freedBytes >= bytesMost) break;
      try {
        if ((await holds.remove(id, () => source.remove(id))) === "held") continue;
        log.info("image removed", { id, names, bytes: sizeBytes, reason });
        freedBytes += sizeBytes;
        collected.inc({ reason });
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0)
      throw new Error(`images cannot be removed: [${[...new Set(errors.map(describeError))].join(", ")}]`);
    return freedBytes;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined); // whoever asked hears it
    return turn;
  }
}

/** Looks every five minutes. The event comes with the second failure in a row. */
export async function keepImageSpace(
  gc: Pick<ImageGc, "collect">,
  { clock, log, onTrouble }: Pick<ImageGcDeps, "clock" | "log" | "onTrouble">,
  signal: AbortSignal,
): Promise<void> {
  for (let hasFailed = false; ; ) {
    try {
      await gc.collect();
      hasFailed = false;
    } catch (error) {
      log.warn("image garbage collection failed", { error });
      if (hasFailed) onTrouble("ImageGCFailed", describeError(error));
      hasFailed = true;
    }
    await sleep(clock, pauseMs, signal);
  }
}
