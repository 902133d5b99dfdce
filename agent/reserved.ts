import { UsageError } from "../base/os/flags.ts";
import { isQuantity, parseMilliQuantity, parseQuantity } from "../base/quantity.ts";
import type { Machine } from "./status/machine.ts";

/** What of the machine is not for pods. */
export interface Reservation {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

export const nothingReserved: Reservation = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 };

const resources = ["cpu", "memory", "ephemeral-storage"] as const;

/** Reads texts such as `memory=1Gi`; what is wrong with one is told. */
export function readReservation(
  texts: readonly string[],
  problem: (text: string, rule: string) => void,
): Reservation {
  const amounts = new Map<string, string>();
  for (const text of texts) {
    const [name = "", amount = "", ...more] = text.split("=").map((part) => part.trim());
    if (more.length > 0 || amount === "") problem(text, "is not RESOURCE=QUANTITY");
    else if (name === "pid") problem(text, "cannot be reserved: process numbers are watched (pid.available)");
    else if (!resources.some((one) => one === name))
      problem(text, `names no resource that can be reserved: ${resources.join(", ")}`);
    else if (amounts.has(name)) problem(text, "is the second of its resource");
    else if (!isQuantity(amount) || parseQuantity(amount) < 0)
      problem(text, "is no quantity such as 500m or 1Gi");
    else amounts.set(name, amount);
  }
  return {
    cpuMillis: parseMilliQuantity(amounts.get("cpu") ?? "0"),
    memoryBytes: parseQuantity(amounts.get("memory") ?? "0"),
    storageBytes: parseQuantity(amounts.get("ephemeral-storage") ?? "0"),
  };
}

export function together(left: Reservation, right: Reservation): Reservation {
  return {
    cpuMillis: left.cpuMillis + right.cpuMillis,
    memoryBytes: left.memoryBytes + right.memoryBytes,
    storageBytes: left.storageBytes + right.storageBytes,
  };
}

/** Throws UsageError where pods would be given less than nothing. */
export function checkReserved(
  reserved: Reservation,
  { cpus, memoryBytes, storageBytes }: Pick<Machine, "cpus" | "memoryBytes" | "storageBytes">,
): void {
  const has = { cpuMillis: cpus * 1000, memoryBytes, storageBytes };
  for (const name of ["cpuMillis", "memoryBytes", "storageBytes"] as const)
    if (reserved[name] > has[name])
      throw new UsageError(
        `--system-reserved, --kube-reserved and --eviction-hard keep more than there is: ${name} ${reserved[name]} of ${has[name]}`,
      );
}
