import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compact } from "./compact.ts";
import type { Extent, RoundResult } from "./generator/drive.ts";
import type { Order } from "./generator/main.ts";
import { leaderAndRest } from "./leader.ts";
import type { JobLoad, LeaseLoad, Load, Role } from "./load.ts";
import type { Side } from "./peers.ts";
import type { SideRound } from "./report.ts";

const run = promisify(execFile);
const generator = fileURLToPath(new URL("./generator/main.ts", import.meta.url));

/** Writes the keys that a load needs. */
export async function prepare(side: Side, load: Load): Promise<void> {
  if (load.prepared !== undefined) await generate(side, load);
}

/** One round of a load on one side, from a process of its own. */
export async function measure(side: Side, load: JobLoad | LeaseLoad, extent: Extent): Promise<SideRound> {
  const endpoints = await endpointsOf(side, "asks" in load ? load.asks : undefined);
  const beforeMb = side.residentMb();
  side.resetPeak();
  const before = side.cpuSeconds();
  const generated = generate({ endpoints, authorityPem: side.authorityPem }, load, extent);
  const compacts = "compacts" in load && load.compacts === true;
  const [result] = await Promise.all([generated, compacts ? compact(side) : undefined]);
  const cpuSeconds = side.cpuSeconds() - before;
  if (result.requests === 0) throw new Error(`${side.name} answered nothing: ${result.firstFailure}`);
  return {
    ...result,
    cpuMsPerThousand: (cpuSeconds * 1e6) / result.requests,
    beforeMb,
    peakMb: side.peakMb(),
    afterMb: side.residentMb(),
  };
}

/** Those of the members that are asked, the leader's first: a load's one writer asks it. */
async function endpointsOf(side: Side, asks: Role | undefined): Promise<readonly string[]> {
  const all = (await leaderAndRest(side)).map((place) => side.endpoints[place] ?? "");
  if (asks === undefined) return all;
  // A member alone follows nobody.
  return asks === "leader" ? all.slice(0, 1) : all.slice(-1);
}

async function generate(
  { endpoints, authorityPem }: Pick<Side, "endpoints" | "authorityPem">,
  { name, scale = 1 }: Load,
  extent?: Extent,
): Promise<RoundResult> {
  const order: Order = {
    load: name,
    scale,
    endpoints,
    authorityPem,
    ...(extent === undefined ? {} : { extent }),
  };
  const { stdout } = await run(process.execPath, ["--import", "tsx", generator, JSON.stringify(order)]);
  return JSON.parse(stdout) as RoundResult;
}
