import { join, resolve } from "node:path";
import type { FlagTable, FlagValues } from "../../base/os/flags.ts";
import type { ImageGcPolicy } from "./plan-image-gc.ts";

export const imageFlags = {
  "image-layers-dir": {
    kind: "string",
    help: "Unpacked layers of images; agents of one machine may have it in common. images/layers of --root-dir by default.",
    value: "DIR",
  },
  "registries-file": {
    kind: "string",
    help: "Mirrors, authorities and logins of registries, as k3s' registries.yaml; read for each pull, and need not be there.",
    value: "FILE",
  },
  "serialize-image-pulls": { kind: "boolean", default: false, help: "Pull one image at a time." },
  "max-parallel-image-pulls": {
    kind: "integer",
    default: 0,
    help: "How many images are pulled at a time; 0: as many as are wanted.",
  },
  "image-gc-high-threshold": {
    kind: "integer",
    default: 85,
    help: "Percent of the images' disk that may be used before unused images are removed; 100: none is, for space.",
  },
  "image-gc-low-threshold": {
    kind: "integer",
    default: 80,
    help: "Percent that may be used when no more of them are removed.",
  },
  "minimum-image-ttl-duration": {
    kind: "duration",
    default: 120_000,
    help: "How long an unused image stays at least.",
  },
  "maximum-image-gc-age": {
    kind: "duration",
    default: 0,
    help: "How long an unused image stays at most, whatever space there is; 0s: as long as there is space.",
  },
  "node-status-max-images": {
    kind: "integer",
    default: 50,
    help: "Of how many images, the largest, the Node tells; -1: of all.",
  },
} as const satisfies FlagTable;

/** Where images are, whence they come, how many at a time, and when they go. */
export interface ImageRules {
  readonly imageLayersDir: string;
  readonly registriesFile: string | undefined;
  /** Images that are pulled at a time. */
  readonly imagePullsMost: number | undefined;
  readonly imageGc: ImageGcPolicy;
  /** Of so many, the largest, the Node tells; -1: of all. */
  readonly nodeImagesMost: number;
}

/** What is wrong with them is told to `check`. */
export function imageRules(
  flags: FlagValues<typeof imageFlags> & { readonly "root-dir": string },
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): ImageRules {
  const pulls = flags["max-parallel-image-pulls"];
  check(pulls >= 0, "max-parallel-image-pulls", pulls, "must not be negative");
  check(
    !flags["serialize-image-pulls"] || pulls <= 1,
    "max-parallel-image-pulls",
    pulls,
    "is more than one at a time, which --serialize-image-pulls asks for",
  );
  const [high, low] = [flags["image-gc-high-threshold"], flags["image-gc-low-threshold"]];
  check(high >= 0 && high <= 100, "image-gc-high-threshold", high, "must be 0 to 100");
  check(low >= 0 && low <= 100, "image-gc-low-threshold", low, "must be 0 to 100");
  check(low < high, "image-gc-low-threshold", low, "must be less than --image-gc-high-threshold");
  const [minAgeMs, maxAgeMs] = [flags["minimum-image-ttl-duration"], flags["maximum-image-gc-age"]];
  check(minAgeMs >= 0, "minimum-image-ttl-duration", minAgeMs, "must not be negative");
  check(
    maxAgeMs === 0 || maxAgeMs > minAgeMs,
    "maximum-image-gc-age",
    maxAgeMs,
    "must be 0s, or more than --minimum-image-ttl-duration",
  );
  const nodeImagesMost = flags["node-status-max-images"];
  check(nodeImagesMost >= -1, "node-status-max-images", nodeImagesMost, "must be -1 or greater");
  return {
    nodeImagesMost,
    registriesFile: flags["registries-file"] === undefined ? undefined : resolve(flags["registries-file"]),
    imagePullsMost: flags["serialize-image-pulls"] ? 1 : pulls || undefined,
    imageGc: { highThresholdPercent: high, lowThresholdPercent: low, minAgeMs, maxAgeMs },
    imageLayersDir: resolve(flags["image-layers-dir"] ?? join(flags["root-dir"], "images", "layers")),
  };
}
