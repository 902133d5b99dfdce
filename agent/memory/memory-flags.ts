import type { FlagTable } from "../../base/os/flags.ts";
import { isQuantity, parseQuantity } from "../../base/quantity.ts";
import { isHugePages, pageBytesOf } from "./huge-pages.ts";
import type { ReservedMemory } from "./memory-state.ts";

export const memoryFlags = {
  "memory-manager-policy": {
    kind: "string",
    default: "None",
    help: "None, or Static: containers of Guaranteed pods have the memory of NUMA nodes for themselves. Needs --reserved-memory.",
  },
  "reserved-memory": {
    kind: "list",
    default: [],
    help: "What of each NUMA node is not for pods: in all as much as --system-reserved, --kube-reserved and --eviction-hard keep.",
    value: "NODE:TYPE=QUANTITY[,TYPE=QUANTITY][;…]",
  },
} as const satisfies FlagTable;

export interface MemoryRules {
  readonly isStatic: boolean;
  readonly reserved: ReservedMemory;
}

/** What is wrong with them is told to `check`, in the kubelet's words where it has any. */
export function memoryRules(
  flags: {
    readonly "memory-manager-policy": string;
    readonly "reserved-memory": readonly string[];
  },
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): MemoryRules {
  const policy = flags["memory-manager-policy"];
  const isStatic = policy === "Static";
  check(["None", "Static"].includes(policy), "memory-manager-policy", policy, "must be None or Static");
  const texts = flags["reserved-memory"];
  const reserved = readReservedMemory(texts, (text, rule) => check(false, "reserved-memory", text, rule));
  check(
    isStatic || texts.length === 0,
    "reserved-memory",
    texts.join(),
    "has no effect without --memory-manager-policy=Static",
  );
  return { isStatic, reserved };
}

/** Reads texts such as `0:memory=1Gi`, each followed by further ones of its node that do not name it. Pure. */
export function readReservedMemory(
  texts: readonly string[],
  problem: (text: string, rule: string) => void,
): ReservedMemory {
  const reserved = new Map<number, Map<string, number>>();
  let node: number | undefined;
  for (const text of texts.flatMap((one) => one.split(";")).map((one) => one.trim())) {
    const [, named, rest = ""] = /^(?:(\d{1,4}):)?([^:]*)$/.exec(text) ?? [];
    node = named === undefined ? node : Number(named);
    const [type = "", quantity = "", ...more] = rest.split("=");
    if (node === undefined || quantity === "" || more.length > 0) {
      problem(text, "has incorrect format, expected numaNodeID:type=quantity[,type=quantity...]");
      continue;
    }
    const own = reserved.get(node) ?? new Map<string, number>();
    reserved.set(node, own);
    const isKnown = type === "memory" || (isHugePages(type) && pageBytesOf(type) !== undefined);
    if (!isKnown)
      problem(
        text,
        `the limit type ${JSON.stringify(type)} for NUMA node ${node} is not supported, only [memory hugepages-<HugePageSize>] is accepted`,
      );
    else if (!isQuantity(quantity) || !Number.isSafeInteger(parseQuantity(quantity)))
      problem(text, "is no whole quantity of bytes such as 1Gi");
    else if (parseQuantity(quantity) <= 0)
      problem(
        text,
        `reserved memory may not be zero for NUMA node ${node} and resource ${JSON.stringify(type)}`,
      );
    else if (own.has(type))
      problem(
        text,
        `the reserved memory has a duplicate value for NUMA node ${node} and resource ${JSON.stringify(type)}`,
      );
    else own.set(type, parseQuantity(quantity));
  }
  return reserved;
}
