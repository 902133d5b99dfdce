import { assertAlike, both, type Pair, startPair, stopPair } from "./beside.ts";
import { Conversation, revisionIn, type Step } from "./conversation.ts";
import type { Peer } from "./peers.ts";
import { shrunk } from "./shrunk.ts";
import { simplerSteps } from "./simpler-steps.ts";
import { settled } from "./version-differences.ts";

/** What comes next, by how far the stores have got; undefined: nothing more. */
export type Script = (revision: number) => Step | undefined;

/** Steps after the last of which the two told otherwise. */
interface Difference {
  readonly list: readonly Step[];
  readonly own: unknown;
  readonly theirs: unknown;
}

/** Passwords are slow to check by design, which is not what is compared. */
const flags = ["--bcrypt-cost=4"];

/** Asks both the same from their beginning on. Where they tell otherwise it fails, and prints the shortest such steps. */
export async function assertAlikeThroughout(peer: Peer, script: Script): Promise<void> {
  const found = await firstDifference(peer, script);
  if (found === undefined) return;
  const { own, theirs, list } = await shrunk(
    found,
    (steps) => firstDifference(peer, listed(steps)),
    simplerSteps,
  );
  assertAlike({ own, theirs }, list);
}

function listed(steps: readonly Step[]): Script {
  let at = 0;
  return () => steps[at++];
}

async function firstDifference(peer: Peer, script: Script): Promise<Difference | undefined> {
  const pair = await startPair(peer, flags);
  try {
    return await differenceOf(pair, peer, script);
  } finally {
    await stopPair(pair);
  }
}

async function differenceOf(pair: Pair, peer: Peer, script: Script): Promise<Difference | undefined> {
  const sides = { own: new Conversation(pair.own), theirs: new Conversation(pair.theirs) };
  const list: Step[] = [];
  let revision = 1;
  for (let step = script(revision); step !== undefined; step = script(revision)) {
    const taken = step;
    list.push(taken);
    const told = await both(pair, (side) => (side === pair.own ? sides.own : sides.theirs).take(taken));
    const { own, theirs } = settled(peer, taken.asked, told);
    if (!isAlike(own, theirs)) return { list, own, theirs };
    revision = revisionIn(told.own) ?? revision;
  }
  return undefined;
}

function isAlike(own: unknown, theirs: unknown): boolean {
  try {
    assertAlike({ own, theirs }, []);
    return true;
  } catch {
    return false;
  }
}
