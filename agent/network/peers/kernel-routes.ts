import { addressText, familyBits, ipRangeText, parseAddress, parseIpRange } from "../../../base/ip-range.ts";
import { bridgeName, whole } from "../pod-bridge.ts";
import { runProgram } from "../programs.ts";
import { type KernelRoutes, overlayLink, routeProtocol } from "./route-changes.ts";

type Row = Readonly<Record<string, unknown>>;

/** What the kernel has of ours now; of the overlay nothing where its link is not there. */
export async function readKernelRoutes(
  hasOverlay: boolean,
  families: readonly (4 | 6)[],
): Promise<KernelRoutes> {
  const read = async (args: readonly string[]) =>
    (await Promise.all(families.map((family) => runProgram("ip", ["-json", `-${family}`, ...args])))).flatMap(
      rowsOf,
    );
  const routes = await read(["route", "show", "proto", String(routeProtocol)]);
  const neighbours = hasOverlay ? await read(["neigh", "show", "dev", overlayLink, "nud", "permanent"]) : [];
  const forwarding = hasOverlay
    ? rowsOf(await runProgram("bridge", ["-json", "fdb", "show", "dev", overlayLink]))
    : [];
  return {
    routes: new Map(
      routes.map((row) => [
        text(row.dst).includes("/") ? text(row.dst) : whole(text(row.dst)),
        row.dev === overlayLink ? `${text(row.gateway)} ${overlayLink}` : text(row.gateway),
      ]),
    ),
    neighbours: new Map(neighbours.map((row) => [text(row.dst), text(row.lladdr)])),
    forwarding: new Map(
      forwarding.flatMap((row) => (row.dst === undefined ? [] : [[text(row.mac), text(row.dst)] as const])),
    ),
  };
}

export interface OwnLink {
  readonly name: string;
  readonly mtu: number;
  readonly addresses: readonly { readonly address: string; readonly range: string }[];
}

/** The node's links to other machines: neither its pods' nor its own. */
export async function readOwnLinks(): Promise<readonly OwnLink[]> {
  return ownLinksOf(await runProgram("ip", ["-json", "addr", "show", "up"]));
}

/** Pure. */
export function ownLinksOf(json: string): readonly OwnLink[] {
  return rowsOf(json).flatMap((row): OwnLink[] => {
    const name = text(row.ifname);
    if (name === "lo" || name === bridgeName || name === overlayLink) return [];
    const rows = (Array.isArray(row.addr_info) ? row.addr_info : []) as readonly Row[];
    const addresses = rows.flatMap(({ local, prefixlen, scope }) => {
      const parsed = parseAddress(text(local));
      const bits = Number(prefixlen);
      // Each link has its own of these.
      if (parsed === undefined || (parsed.family === 6 && scope === "link")) return [];
      // Of a /32 there is nobody else.
      if (!Number.isInteger(bits) || bits < 1 || bits >= familyBits[parsed.family]) return [];
      const address = addressText(parsed.family, parsed.value);
      const range = parseIpRange(`${address}/${bits}`);
      return range === undefined ? [] : [{ address, range: ipRangeText(range) }];
    });
    return addresses.length === 0 ? [] : [{ name, mtu: Number(row.mtu), addresses }];
  });
}

function rowsOf(json: string): readonly Row[] {
  const value: unknown = json.trim() === "" ? [] : JSON.parse(json);
  // Some releases answer an empty object for what is not asked for.
  return (Array.isArray(value) ? value : []) as readonly Row[];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
