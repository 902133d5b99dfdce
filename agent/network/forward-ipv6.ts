import { readdir, readFile, writeFile } from "node:fs/promises";

const settings = "/proc/sys/net/ipv6/conf";

/** Makes a router of this network namespace, without what it learnt of other routers being lost. Rejects where the kernel has
 *  no IPv6. */
export async function forwardIpv6(): Promise<void> {
  let forwarding: string;
  try {
    forwarding = await readFile(`${settings}/all/forwarding`, "latin1");
  } catch (error) {
    throw new Error("pods are to have IPv6 addresses, and this kernel has no IPv6", { cause: error });
  }
  if (forwarding.trim() === "1") return;
  // A router takes no advertisements of others unless it is told to: the node would lose its own way out.
  for (const link of await readdir(settings)) {
    const setting = `${settings}/${link}/accept_ra`;
    if ((await readFile(setting, "latin1")).trim() === "1") await writeFile(setting, "2");
  }
  await writeFile(`${settings}/all/forwarding`, "1");
}
