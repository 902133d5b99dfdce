import { ipv4Text, parseIpv4, parseIpv4Range } from "../../../base/ipv4.ts";
import { bridgeName } from "../bridge-pods.ts";
import { runProgram } from "../programs.ts";
import { type KernelRoutes, overlayLink, routeProtocol } from "./route-changes.ts";

type Row = Readonly<Record<string, unknown>>;

/** What the kernel has of ours now; of the overlay nothing where its link is not there. */
export async function readKernelRoutes(hasOverlay: boolean): Promise<KernelRoutes> {
  const routes = rowsOf(
    await runProgram("ip", ["-json", "-4", "route", "show", "proto", String(routeProtocol)]),
  );
  const neighbours = hasOverlay
    ? rowsOf(await runProgram("ip", ["-json", "-4", "neigh", "show", "dev", overlayLink, "nud", "permanent"]))
    : [];
  const forwarding = hasOverlay
    ? rowsOf(await runProgram("bridge", ["-json", "fdb", "show", "dev", overlayLink]))
    : [];
  return {
    routes: new Map(
      routes.map((row) => [
        text(row.dst).includes("/") ? text(row.dst) : `${text(row.dst)}/32`,
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
  /** `10.0.0.5/24`. */
  readonly addresses: readonly { readonly address: string; readonly range: string }[];
}

/** The node's links to other machines: neither its pods' nor its own. */
export async function readOwnLinks(): Promise<readonly OwnLink[]> {
  return ownLinksOf(await runProgram("ip", ["-json", "-4", "addr", "show", "up"]));
}

/** Pure. */
export function ownLinksOf(json: string): readonly OwnLink[] {
  return rowsOf(json).flatMap((row): OwnLink[] => {
    const name = text(row.ifname);
    if (name === "lo" || name === bridgeName || name === overlayLink) return [];
    const rows = (Array.isArray(row.addr_info) ? row.addr_info : []) as readonly Row[];
    const addresses = rows.flatMap(({ local, prefixlen }) => {
      const number = parseIpv4(text(local));
      const bits = Number(prefixlen);
      // Of a /32 there is nobody else.
      if (number === undefined || !Number.isInteger(bits) || bits < 1 || bits > 31) return [];
      const range = parseIpv4Range(`${ipv4Text(number - (number % 2 ** (32 - bits)))}/${bits}`);
      return range === undefined ? [] : [{ address: ipv4Text(number), range: range.text }];
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
