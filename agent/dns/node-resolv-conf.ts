import { readFile } from "node:fs/promises";
import { ifPresent } from "../../base/os/if-present.ts";
import { emptyResolvConf, parseResolvConf, type ResolvConf } from "./resolv-conf.ts";

export const defaultResolvConf = "/etc/resolv.conf";
/** Where systemd-resolved keeps the servers that stand behind its own, which listens on the machine's loopback only. */
const resolvedServers = "/run/systemd/resolve/resolv.conf";
const resolvedStub = "127.0.0.53";

/** How the node itself resolves names; an empty path: it does not. */
export async function readNodeResolvConf(path: string, behindStub = resolvedServers): Promise<ResolvConf> {
  if (path === "") return emptyResolvConf;
  const own = parseResolvConf((await ifPresent(readFile(path, "utf8"))) ?? "");
  const isStub = own.servers.length > 0 && own.servers.every((server) => server === resolvedStub);
  const behind = isStub ? await ifPresent(readFile(behindStub, "utf8")) : undefined;
  return behind === undefined ? own : parseResolvConf(behind);
}
