import { networkInterfaces } from "node:os";
import { canonicalAddress } from "../../../base/ip-range.ts";
import { UsageError } from "../../../base/os/flags.ts";
import { describeError, type Log } from "../../../base/os/log.ts";
import type { Os } from "../../../base/os/os.ts";
import { openFlowCleaner } from "../conntrack.ts";
import type { FamilySide } from "../family-sides.ts";
import { type Netlink, netlinkProtocols, openNetlink } from "../netlink/netlink-socket.ts";
import { openApplier } from "../nft-applier.ts";
import { hasProgram } from "../programs.ts";
import { type IpvsKernel, openIpvsKernel } from "./ipvs-kernel.ts";
import { IpvsProxy } from "./ipvs-proxy.ts";
import { setKernel } from "./kernel-settings.ts";
import {
  hasServiceLink,
  linkAddresses,
  makeServiceLink,
  removeServiceLink,
  serviceLinkName,
} from "./service-link.ts";

const defaultScheduler = "rr";

export interface IpvsParts {
  readonly os: Pick<Os, "clock">;
  readonly log: Log;
  readonly table: string;
}

/** The kernel's part that all families share. */
export interface OpenedIpvs {
  openSide(side: FamilySide, parts: IpvsParts): Promise<IpvsProxy>;
  close(): void;
}

/** Throws UsageError, naming all that is missing, where the node cannot do it. */
export async function openIpvs(scheduler = defaultScheduler): Promise<OpenedIpvs> {
  for (const [program, place] of [
    ["nft", "nftables"],
    ["perl", "perl-base"],
  ] as const)
    if (!(await hasProgram(program)))
      throw new UsageError(`--proxy-mode ipvs: ${program} is not installed (apt-get install ${place})`);
  const netlink = openNetlink(netlinkProtocols.generic);
  try {
    const kernel = await mustHaveIpvs(netlink, { scheduler, makeLink: makeServiceLink });
    await setKernel();
    return {
      async openSide(side, { os, log, table }) {
        return new IpvsProxy(side, {
          kernel,
          link: linkAddresses(side.family),
          applier: openApplier(table, side.family),
          flows: await openFlowCleaner(log, side.family),
          scheduler,
          nodeAddresses,
          clock: os.clock,
          log,
        });
      },
      close: () => netlink.close(),
    };
  } catch (error) {
    netlink.close();
    throw error;
  }
}

/** All at once: what is to be loaded is to be loaded once. */
export async function mustHaveIpvs(
  netlink: Netlink,
  { scheduler, makeLink }: { readonly scheduler: string; readonly makeLink: () => Promise<void> },
): Promise<IpvsKernel> {
  const missing: string[] = [];
  const kernel = await openIpvsKernel(netlink);
  if (kernel === undefined) missing.push("this kernel has no IPVS (modprobe ip_vs)");
  else if (!(await kernel.hasScheduler(scheduler)))
    missing.push(`this kernel's IPVS has no scheduler ${scheduler} (modprobe ip_vs_${scheduler})`);
  try {
    await makeLink();
  } catch (error) {
    // What follows is how `ip` was called.
    const [why] = describeError(error).split("\n");
    missing.push(`a dummy link cannot be made (modprobe dummy): ${why}`);
  }
  if (kernel === undefined || missing.length > 0)
    throw new UsageError(`--proxy-mode ipvs: ${missing.join("; ")}`);
  return kernel;
}

/** Takes away what an agent left that proxied Services by IPVS. Nothing where none did. */
export async function removeIpvs(): Promise<void> {
  if (!(await hasServiceLink())) return;
  const netlink = openNetlink(netlinkProtocols.generic);
  try {
    await (await openIpvsKernel(netlink))?.flush();
  } finally {
    netlink.close();
  }
  await removeServiceLink();
}

/** Of links that are up. */
function nodeAddresses(): readonly string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => name !== serviceLinkName)
    .flatMap(([, addresses = []]) => addresses.flatMap(({ address }) => canonicalAddress(address) ?? []));
}
