import type { Image } from "./image.ts";

/** The kubelet's. */
export interface ImageGcPolicy {
  /** Of the disk that the images are on: from here on images are removed; 100: never for space. */
  readonly highThresholdPercent: number;
  /** Until no more than this is used. */
  readonly lowThresholdPercent: number;
  /** An image is here so long before it is removed. */
  readonly minAgeMs: number;
  /** One that nobody used for so long is removed however much space there is; 0: it is not. */
  readonly maxAgeMs: number;
}

export interface DiskSpace {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** What is known of an image since the agent began. Monotonic time. */
export interface ImageRecord {
  readonly firstSeenMs: number;
  readonly lastUsedMs: number | undefined;
}

/** Records of the images that are there now. Pure. */
export function recordImages(
  before: ReadonlyMap<string, ImageRecord>,
  images: readonly Image[],
  isUsed: (id: string) => boolean,
  nowMs: number,
): ReadonlyMap<string, ImageRecord> {
  return new Map(
    images.map(({ id }) => {
      const { firstSeenMs = nowMs, lastUsedMs } = before.get(id) ?? {};
      return [id, { firstSeenMs, lastUsedMs: isUsed(id) ? nowMs : lastUsedMs }];
    }),
  );
}

/** Images that may go, the longest unused first. One that has a name and that no pull brought stays: no pull could bring it
 *  back. Pure. */
export function unusedImages(
  images: readonly Image[],
  records: ReadonlyMap<string, ImageRecord>,
  { minAgeMs }: Pick<ImageGcPolicy, "minAgeMs">,
  nowMs: number,
): readonly Image[] {
  const recordOf = ({ id }: Image) => records.get(id) ?? { firstSeenMs: nowMs, lastUsedMs: nowMs };
  const lastUsed = (image: Image) => recordOf(image).lastUsedMs ?? Number.NEGATIVE_INFINITY;
  const order = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);
  return images
    .filter((image) => {
      const isIrreplaceable = image.names.length > 0 && image.digests.length === 0;
      const isOldEnough = nowMs - recordOf(image).firstSeenMs >= minAgeMs;
      return image.isPinned !== true && !isIrreplaceable && isOldEnough && lastUsed(image) < nowMs;
    })
    .sort(
      (a, b) => order(lastUsed(a), lastUsed(b)) || order(recordOf(a).firstSeenMs, recordOf(b).firstSeenMs),
    );
}

/** Of unused images, those that nobody used for too long. The agent has to have run for so long, too. Pure. */
export function outdatedImages(
  unused: readonly Image[],
  records: ReadonlyMap<string, ImageRecord>,
  { maxAgeMs }: Pick<ImageGcPolicy, "maxAgeMs">,
  nowMs: number,
): readonly Image[] {
  if (maxAgeMs === 0) return [];
  return unused.filter(({ id }) => {
    const record = records.get(id);
    return record !== undefined && nowMs - (record.lastUsedMs ?? record.firstSeenMs) > maxAgeMs;
  });
}

export interface SpaceWanted {
  readonly usedPercent: number;
  readonly bytes: number;
}

/** How much is to be freed; undefined while less than the high threshold is used. Pure. */
export function spaceWanted(
  { capacityBytes, availableBytes }: DiskSpace,
  { highThresholdPercent, lowThresholdPercent }: ImageGcPolicy,
): SpaceWanted | undefined {
  const available = Math.min(availableBytes, capacityBytes);
  const usedPercent = 100 - Math.floor((available * 100) / capacityBytes);
  if (highThresholdPercent === 100 || usedPercent < highThresholdPercent) return undefined;
  return { usedPercent, bytes: Math.floor((capacityBytes * (100 - lowThresholdPercent)) / 100) - available };
}
