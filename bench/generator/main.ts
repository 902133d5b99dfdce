// Drives endpoints as the JSON on its command line says, and prints what it measured as JSON.
import type { Load } from "../load.ts";
import { loadNamed, loadsAt } from "../loads.ts";
import { drive, type Extent, type RoundResult } from "./drive.ts";
import { driveLeases } from "./lease-lives.ts";
import { driveWatched } from "./watched.ts";

export interface Order {
  /** A load's name. */
  readonly load: string;
  /** Of the long loads. */
  readonly scale: number;
  readonly endpoints: readonly string[];
  /** Who signed their certificates, where they speak TLS. */
  readonly authorityPem?: string | undefined;
  /** Absent: what the load needs is written. */
  readonly extent?: Extent;
}

const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const trust = order.authorityPem === undefined ? {} : { authorityPem: order.authorityPem };
const load = loadNamed(order.load, loadsAt(order.scale));
process.stdout.write(`${JSON.stringify(await obey(load, order.extent))}\n`);

async function obey(load: Load, extent: Extent | undefined): Promise<RoundResult> {
  const { endpoints } = order;
  if (extent === undefined) return prepare(load.prepared);
  if ("restarts" in load) throw new Error("members are not restarted from here");
  if ("leases" in load) {
    if ("seconds" in extent) throw new Error("leases are granted by number, not for a time");
    return driveLeases({ ...load.leases, ...trust }, endpoints, extent.requests);
  }
  const how = { ...load, ...trust };
  if (load.watched !== undefined) return driveWatched(how, load.watched, endpoints, extent);
  return drive(how, endpoints, extent);
}

async function prepare(prepared: Load["prepared"]): Promise<RoundResult> {
  if (prepared === undefined) throw new Error("the load needs nothing that is there before");
  const { job, requests } = prepared;
  const written = await drive({ ...job, ...trust }, order.endpoints, { requests });
  if (written.failures > 0) throw new Error(`cannot write what the load needs: ${written.firstFailure}`);
  return written;
}
