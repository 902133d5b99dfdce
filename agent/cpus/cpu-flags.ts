import type { FlagTable } from "../../base/os/flags.ts";
import { type CpuSet, parseCpuSet } from "./cpu-set.ts";
import { type TopologyPolicy, topologyPolicies } from "./topology-hints.ts";

export const cpuFlags = {
  "cpu-manager-policy": {
    kind: "string",
    default: "none",
    help: "none, or static: containers of Guaranteed pods that ask for whole CPUs have them for themselves. Needs a CPU that is reserved.",
  },
  "cpu-manager-policy-options": {
    kind: "list",
    default: [],
    help: "Of static: full-pcpus-only=true (no two containers share a core), strict-cpu-reservation=true (no container runs on reserved CPUs).",
    value: "OPTION=true|false,…",
  },
  "reserved-cpus": {
    kind: "string",
    help: "CPUs that are no container's own; as many are kept from pods, in place of the cpu of --system-reserved and --kube-reserved.",
    value: "0-3,8",
  },
  "topology-manager-policy": {
    kind: "string",
    default: "none",
    help: "How near to each other a container's own CPUs and devices have to be: none, best-effort, restricted or single-numa-node.",
  },
  "topology-manager-scope": {
    kind: "string",
    default: "container",
    help: "Whether the containers of a pod are placed each for itself (container), or together (pod).",
  },
} as const satisfies FlagTable;

type CpuValues = {
  readonly "cpu-manager-policy": string;
  readonly "cpu-manager-policy-options": readonly string[];
  readonly "reserved-cpus": string | undefined;
  readonly "topology-manager-policy": string;
  readonly "topology-manager-scope": string;
};

export interface CpuRules {
  readonly isStatic: boolean;
  readonly fullCoresOnly: boolean;
  readonly keepsReservedFree: boolean;
  readonly reserved: CpuSet | undefined;
  readonly topologyPolicy: TopologyPolicy;
  readonly topologyScope: "container" | "pod";
}

const options = ["full-pcpus-only", "strict-cpu-reservation"] as const;

/** What is wrong with them is told to `check`. */
export function cpuRules(
  flags: CpuValues,
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): CpuRules {
  const policy = flags["cpu-manager-policy"];
  const isStatic = policy === "static";
  check(["none", "static"].includes(policy), "cpu-manager-policy", policy, "must be none or static");
  const chosen = new Map<string, boolean>();
  for (const text of flags["cpu-manager-policy-options"]) {
    const [name = "", value] = text.split("=");
    const isKnown = options.some((one) => one === name) && ["true", "false"].includes(value ?? "");
    check(
      isKnown,
      "cpu-manager-policy-options",
      text,
      `must be one of ${options.join(", ")}, =true or =false`,
    );
    chosen.set(name, value === "true");
  }
  check(
    isStatic || chosen.size === 0,
    "cpu-manager-policy-options",
    flags["cpu-manager-policy-options"].join(),
    "has no effect without --cpu-manager-policy=static",
  );
  const list = flags["reserved-cpus"];
  const reserved = list === undefined ? undefined : parseCpuSet(list);
  check(
    list === undefined || (reserved !== undefined && reserved.size > 0),
    "reserved-cpus",
    list,
    "is no list of CPUs such as 0-3,8",
  );
  const topology = topologyPolicies.find((one) => one === flags["topology-manager-policy"]);
  check(
    topology !== undefined,
    "topology-manager-policy",
    flags["topology-manager-policy"],
    `must be one of ${topologyPolicies.join(", ")}`,
  );
  const scope = flags["topology-manager-scope"];
  check(["container", "pod"].includes(scope), "topology-manager-scope", scope, "must be container or pod");
  return {
    isStatic,
    fullCoresOnly: chosen.get("full-pcpus-only") ?? false,
    keepsReservedFree: chosen.get("strict-cpu-reservation") ?? false,
    reserved,
    topologyPolicy: topology ?? "none",
    topologyScope: scope === "pod" ? "pod" : "container",
  };
}
