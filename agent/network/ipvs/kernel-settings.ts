import { readFile, writeFile } from "node:fs/promises";
import { UsageError } from "../../../base/os/flags.ts";

const settings = {
  // Flows that IPVS sends on are known to nftables, which masquerades them.
  "net/ipv4/vs/conntrack": "1",
  // Clients of a destination that went, or that is to get no new ones, go to another.
  "net/ipv4/vs/expire_nodest_conn": "1",
  "net/ipv4/vs/expire_quiescent_template": "1",
  "net/ipv4/ip_forward": "1",
  // Every node has Services' addresses: none tells its neighbours that they are to be found there.
  "net/ipv4/conf/all/arp_ignore": "1",
  "net/ipv4/conf/all/arp_announce": "2",
} as const;

/** Sets what IPVS needs of this network namespace, once its module is there. Throws UsageError where the kernel has no such
 *  setting: its IPVS was built without it. */
export async function setKernel(root = "/proc/sys"): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    const path = `${root}/${name}`;
    try {
      // One that is stricter already is left alone.
      if (Number(await readFile(path, "latin1")) < Number(value)) await writeFile(path, value);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      throw new UsageError(`--proxy-mode ipvs: this kernel has no setting ${name.replaceAll("/", ".")}`);
    }
  }
}
