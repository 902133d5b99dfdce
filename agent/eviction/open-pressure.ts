import { stat } from "node:fs/promises";
import type { Os } from "../../base/os/os.ts";
import type { Reservation } from "../reserved.ts";
import type { PodsGroup } from "../runtime/oci/pods-group.ts";
import type { DiskLayout } from "./disk-layout.ts";
import { NodePressure, type PressureRules } from "./node-pressure.ts";
import { observeNode } from "./observe-node.ts";
import type { Observation } from "./signals.ts";
import { withAllocatable } from "./thresholds.ts";

export interface PressureConfig {
  readonly rootDir: string;
  readonly rules: PressureRules;
  /** For the system and the cluster's own parts. */
  readonly reserved: Reservation;
  readonly limitsPods: boolean;
  readonly memoryBytes: number;
}

export interface PressureParts {
  readonly os: Pick<Os, "clock" | "log">;
  /** Absent where no control group holds all pods. */
  readonly group: PodsGroup | undefined;
  readonly imageDir: () => Promise<string>;
}

/** Begins to watch what is left on the node, once all pods are held to what is theirs of its memory. */
export async function openNodePressure(
  { rootDir, rules, reserved, limitsPods, memoryBytes }: PressureConfig,
  { os, group, imageDir }: PressureParts,
): Promise<NodePressure> {
  const limitBytes = limitsPods && reserved.memoryBytes > 0 ? memoryBytes - reserved.memoryBytes : undefined;
  const isLimited = await limit(group, limitBytes, os);
  const podsMemory = async (): Promise<Observation | undefined> => {
    if (group === undefined || limitBytes === undefined) return undefined;
    const used = await group.workingSetBytes();
    return { available: Math.max(0, limitBytes - used), capacity: limitBytes };
  };
  const places = { rootDir, imageDir, ...(isLimited && { podsMemory }) };
  const thresholds = isLimited ? withAllocatable(rules.thresholds) : rules.thresholds;
  const observe: ConstructorParameters<typeof NodePressure>[1]["observe"] = (unread) =>
    observeNode(places, unread);
  return new NodePressure({ ...rules, thresholds }, { clock: os.clock, log: os.log, observe });
}

/** Answers whether the pods are held to a limit. */
async function limit(
  group: PodsGroup | undefined,
  bytes: number | undefined,
  { log }: Pick<Os, "log">,
): Promise<boolean> {
  try {
    await group?.limitMemory(bytes);
    if (bytes === undefined) return false;
    if (group !== undefined) return true;
    log.warn(
      "memory is reserved, but nothing holds the pods to the rest: they have no control group in common",
    );
  } catch (error) {
    log.warn("cannot hold the pods to the memory that is not reserved", { bytes, error });
  }
  return false;
}

/** Asks until there is an answer, which stays. */
export function onceKnown(ask: () => Promise<string>): () => Promise<string> {
  let known: string | undefined;
  return async () => {
    known ??= await ask();
    return known;
  };
}

/** How the folders of pods and of images lie on this machine's file systems. */
export async function diskLayout(
  rootDir: string,
  imageDir: string,
  layersWithImages: boolean,
): Promise<DiskLayout> {
  const [pods, images] = await Promise.all([stat(rootDir), stat(imageDir)]);
  return { imagesApart: pods.dev !== images.dev, layersWithImages };
}
