import type { Machine } from "../machine.ts";

/** A machine that is nobody's. */
export const testMachine: Machine = {
  cpus: 2,
  memoryBytes: 2 ** 30,
  storageBytes: 2 ** 34,
  hugePages: [],
  architecture: "amd64",
  machineId: "m",
  bootId: "b",
  kernel: "k",
  osImage: "o",
  hostname: "h",
};
