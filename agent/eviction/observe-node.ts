import { readFile } from "node:fs/promises";
import { ifPresent } from "../../base/os/if-present.ts";
import { type FolderUse, machineUse, readFolderUse } from "../stats/machine-use.ts";
import type { Observation, Observations, Signal } from "./signals.ts";

/** Where to look. */
export interface NodePlaces {
  /** What pods write is on its file system. */
  readonly rootDir: string;
  /** Where images are. */
  readonly imageDir: () => Promise<string>;
  /** What all pods may have of memory, and what they have; absent where nothing holds them to it. */
  readonly podsMemory?: () => Promise<Observation | undefined>;
}

/** What is left on this node. What cannot be read is left out, and `unread` is told. */
export async function observeNode(
  { rootDir, imageDir, podsMemory }: NodePlaces,
  unread: (what: string, error: unknown) => void,
): Promise<Observations> {
  const found = new Map<Signal, Observation>();
  const look = async (what: string, how: () => Promise<readonly (readonly [Signal, Observation])[]>) => {
    try {
      for (const [signal, observation] of await how()) found.set(signal, observation);
    } catch (error) {
      unread(what, error);
    }
  };
  await look("memory", async () => memoryOf(await readFile("/proc/meminfo", "utf8")));
  await look("process numbers", async () => [["pid.available", await processNumbers()]]);
  await look("the disk of pods", async () => diskOf("nodefs", await readFolderUse(rootDir)));
  await look("the disk of images", async () => diskOf("imagefs", await readFolderUse(await imageDir())));
  await look("the memory of pods", async () => {
    const observed = await podsMemory?.();
    return observed === undefined ? [] : [["allocatableMemory.available", observed]];
  });
  return found;
}

/** From the text of /proc/meminfo; nothing where an old kernel does not say what is available. */
export function memoryOf(meminfo: string): readonly (readonly [Signal, Observation])[] {
  if (!/^MemAvailable:/m.test(meminfo)) return [];
  const { availableBytes, workingSetBytes } = machineUse("", meminfo);
  return [["memory.available", { available: availableBytes, capacity: availableBytes + workingSetBytes }]];
}

/** A file system that counts no inodes has enough of them. */
export function diskOf(
  name: "nodefs" | "imagefs",
  { availableBytes, capacityBytes, inodes, inodesFree }: FolderUse,
): readonly (readonly [Signal, Observation])[] {
  return [
    [`${name}.available`, { available: availableBytes, capacity: capacityBytes }],
    [`${name}.inodesFree`, { available: inodesFree, capacity: inodes }],
  ];
}

/** Threads count, each takes a number. */
export async function processNumbers(): Promise<Observation> {
  const limits = ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"];
  const texts = await Promise.all(limits.map((path) => ifPresent(readFile(path, "utf8"))));
  return processNumbersOf(
    await readFile("/proc/loadavg", "utf8"),
    texts.filter((one) => one !== undefined),
  );
}

/** From the text of /proc/loadavg and the kernel's limits, of which the lowest counts. */
export function processNumbersOf(loadavg: string, limits: readonly string[]): Observation {
  const used = Number(/^\S+ \S+ \S+ \d+\/(\d+) /.exec(loadavg)?.[1] ?? Number.NaN);
  const capacity = Math.min(...limits.map(Number));
  if (!Number.isSafeInteger(used) || !Number.isSafeInteger(capacity))
    throw new RangeError(`cannot be read: ${JSON.stringify(loadavg)}, ${JSON.stringify(limits)}`);
  return { available: Math.max(0, capacity - used), capacity };
}
