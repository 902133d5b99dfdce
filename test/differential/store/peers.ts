import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** An etcd to compare with. */
export interface Peer {
  readonly program: string;
  /** Like "3.7": what is different between versions is known by it. */
  readonly minor: string;
}

const pintle = fileURLToPath(new URL("../../../bin/pintle", import.meta.url));
export const ours: readonly string[] = [process.execPath, pintle, "store"];

/** The `etcd` of PATH, and those that PINTLE_ETCDS names, divided by colons. */
export function etcdPeers(): readonly Peer[] {
  const named = (process.env.PINTLE_ETCDS ?? "").split(":").filter((path) => path !== "");
  return ["etcd", ...named].flatMap((program) => {
    const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
    const version = /etcd Version: (\d+\.\d+)/.exec(stdout ?? "")?.[1];
    return version === undefined ? [] : [{ program, minor: version }];
  });
}
