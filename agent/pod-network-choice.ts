import { isAbsolute } from "node:path";
import { type PodNetworkBackend, podNetworkBackends } from "./network/peers/plan-peers.ts";

interface PodNetworkFlags {
  readonly runtime: string;
  readonly "container-runtime-endpoint"?: string | undefined;
  readonly "network-plugin": string;
  readonly "pod-network-backend": string;
  readonly "cni-conf-dir"?: string | undefined;
  readonly "cni-bin-dir": readonly string[];
}

/** Where CNI's are; what is undefined or empty is as usual, or as the container runtime has it. */
export interface CniFolders {
  readonly confDir: string | undefined;
  readonly binDirs: readonly string[];
}

/** What connects pods by the flags; what is wrong with these is told to `check`. */
export function podNetworkChoice(
  flags: PodNetworkFlags,
  check: (ok: boolean, flag: string, value: unknown, rule: string) => void,
): { readonly cni: CniFolders | undefined; readonly backend: PodNetworkBackend } {
  const isCni = flags["network-plugin"] === "cni";
  check(
    isCni || flags["network-plugin"] === "bridge",
    "network-plugin",
    flags["network-plugin"],
    "must be bridge or cni",
  );
  const backend = podNetworkBackends.find((one) => one === flags["pod-network-backend"]);
  check(
    backend !== undefined,
    "pod-network-backend",
    flags["pod-network-backend"],
    `must be ${podNetworkBackends.join(", ")}`,
  );
  check(
    !isCni || backend === "auto",
    "pod-network-backend",
    flags["pod-network-backend"],
    "is the plugins' matter with --network-plugin cni",
  );
  check(
    !isCni || flags.runtime !== "process",
    "network-plugin",
    "cni",
    "connects containers, not plain processes",
  );
  const { "cni-conf-dir": confDir, "cni-bin-dir": binDirs } = flags;
  for (const [name, dirs] of [
    ["cni-conf-dir", confDir === undefined ? [] : [confDir]],
    ["cni-bin-dir", binDirs],
  ] as const)
    for (const dir of dirs) {
      // Plugins are told of folders with colons between.
      check(isAbsolute(dir) && !/[:\0\n]/.test(dir), name, dir, "is not an absolute path without colons");
      check(
        isCni || flags["container-runtime-endpoint"] !== undefined,
        name,
        dir,
        "needs --network-plugin cni or --container-runtime-endpoint",
      );
    }
  check(
    isCni || binDirs.length < 2,
    "cni-bin-dir",
    binDirs,
    "is more than one folder for the agent's own plugin",
  );
  return { cni: isCni ? { confDir, binDirs } : undefined, backend: backend ?? "auto" };
}
