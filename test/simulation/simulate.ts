import type { MemberDoors } from "../../store/create-member.ts";
import type { WalFaults } from "../../store/wal/segment-scan.ts";
import type { SimOptions } from "./options.ts";
import type { Violation } from "./violation.ts";
import { World } from "./world.ts";

/** Bugs at the doors that the world hands to its members: as if the members did not ask for what they ask for. */
export interface DoorFaults {
  /** No folder is synced. */
  readonly skipFolderSync?: true;
  /** Segments of the log get their name before they are on disk. */
  readonly skipSegmentSync?: true;
  /** Files of the revision log are never synced. */
  readonly skipRevisionSync?: true;
  /** A forwarded proposal is handed over twice now and then. */
  readonly repeatProposals?: true;
  /** Some writes are never answered. */
  readonly loseAnswers?: true;
  /** The members of the first machine apply something else now and then. */
  readonly oneAppliesElse?: true;
}

export type Faults = NonNullable<MemberDoors["faults"]> & WalFaults & DoorFaults;

const everything = /^/;

export interface Verdict {
  readonly options: SimOptions;
  readonly violation: Violation | undefined;
  readonly lastEvents: readonly string[];
  readonly events: number;
  readonly digest: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** After the storm: twice the time for an election, for the longest request, for the longest lease, and for watches to catch up. */
const calmMs = ({ electionMs, leaseTtlMaxS, thinkMs, stretch }: SimOptions): number =>
  stretch === 1
    ? 18_000
    : 2 * (10_000 + 5 * electionMs + 1_000 * leaseTtlMaxS + 2 * thinkMs + 1_000 * stretch);

/** One whole life of a cluster: first a storm with faults, in which nothing may go wrong, then calm, in which everything must
 *  go on. The same options give the same run. `heeded`: the properties that count. */
export async function simulate(
  options: SimOptions,
  faults: Faults = {},
  heeded: RegExp = everything,
): Promise<Verdict> {
  const world = new World(options, faults, heeded);
  try {
    await world.storm();
    await world.calm(calmMs(options));
  } catch (error) {
    world.report("no crash", error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const verdict = {
    options,
    violation: world.violation,
    lastEvents: world.events.last(60),
    events: world.events.count,
    digest: world.events.digest,
    figures: world.figures,
  };
  world.end();
  return verdict;
}
