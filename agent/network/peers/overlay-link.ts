import { atOnce, whole } from "../pod-bridge.ts";
import { ipBatch, removeLink, runProgram } from "../programs.ts";
import { overlayLink } from "./route-changes.ts";

/** Linux's own, as flannel has it, too. */
export const overlayPort = 8472;
const overlayId = 7468;
/** What a packet grows by: IPv4, UDP, VXLAN and the frame's head. */
const overheadBytes = 50;

export interface OverlayEnd {
  /** One of each family that pods have. */
  readonly addresses: readonly string[];
  readonly hardwareAddress: string;
  /** The node's own address on the link that it goes over; undefined where it is on none, and the kernel chooses. */
  readonly nodeIp: string | undefined;
  /** That link's. */
  readonly mtu: number;
}

/** Makes sure of the overlay's link. Whoever is behind it is told by routes, neighbours and forwarding: it learns nothing. */
export async function ensureOverlayLink({
  addresses,
  hardwareAddress,
  nodeIp,
  mtu,
}: OverlayEnd): Promise<void> {
  const local = nodeIp === undefined ? "" : ` local ${nodeIp}`;
  const made = await linkNow();
  if (made !== undefined && !(made.mac === hardwareAddress && made.local === nodeIp && made.isOurs)) {
    await removeOverlayLink();
  }
  if (made === undefined || (await linkNow()) === undefined)
    await ipBatch([
      `link add ${overlayLink} address ${hardwareAddress} type vxlan id ${overlayId}${local} dstport ${overlayPort} nolearning`,
    ]);
  await ipBatch([
    `link set ${overlayLink} mtu ${mtu - overheadBytes} up`,
    ...addresses.map((address) => `addr replace ${whole(address)} dev ${overlayLink}${atOnce(address)}`),
  ]);
}

export async function removeOverlayLink(): Promise<void> {
  await removeLink(overlayLink);
}

export async function hasOverlayLink(): Promise<boolean> {
  return (await linkNow()) !== undefined;
}

async function linkNow() {
  const shown = await runProgram("ip", ["-json", "-details", "link", "show", "dev", overlayLink]).catch(
    (error: unknown) => {
      if (error instanceof Error && /does not exist|Cannot find device/.test(error.message)) return "[]";
      throw error;
    },
  );
  const [row] = JSON.parse(shown) as {
    address?: string;
    linkinfo?: {
      info_kind?: string;
      info_data?: { id?: number; local?: string; port?: number; learning?: boolean };
    };
  }[];
  if (row === undefined) return undefined;
  const { info_kind, info_data = {} } = row.linkinfo ?? {};
  const isOurs =
    info_kind === "vxlan" &&
    info_data.id === overlayId &&
    info_data.port === overlayPort &&
    info_data.learning !== true;
  return { mac: row.address, local: info_data.local, isOurs };
}
