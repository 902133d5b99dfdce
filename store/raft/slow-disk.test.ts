import assert from "node:assert/strict";
import { Prng } from "../../base/os/random.ts";
import { oneMember } from "./fixtures/one-member.ts";
import type { RawNode } from "./node.ts";
import type { Message } from "./types.ts";

const electionTicks = 10;

/** How many ticks pass until one of `members` leads, each of whose disks takes `diskTicks` for whatever it writes.
 *  Infinity: none does within `patience` ticks. */
function ticksToLeader(seed: number, members: number, diskTicks: number, patience = 1_000): number {
  const voters = Array.from({ length: members }, (_, at) => BigInt(at + 1));
  const random = new Prng(seed);
  const nodes = voters.map((id) => oneMember({ id, electionTicks, conf: { voters, learners: [] }, random }));
  const writing = new Map<RawNode, { readonly until: number; readonly done: () => void }>();
  const deliver = (messages: readonly Message[]) => {
    for (const message of messages) nodes[Number(message.to) - 1]?.step(message);
  };
  const work = (node: RawNode, now: number) => {
    const ready = node.ready({ isDiskBusy: writing.has(node) });
    deliver(ready.messages);
    for (const { index } of ready.committedEntries) node.applied(index);
    if (!ready.mustPersist) return;
    const last = ready.entries.at(-1);
    const done = () => {
      node.persisted(last?.index ?? 0, last?.term ?? 0);
      deliver(ready.messagesAfterAppend);
    };
    writing.set(node, { until: now + diskTicks, done });
  };
  for (let now = 1; now <= patience; now++) {
    for (const node of nodes) {
      const written = writing.get(node);
      if (written !== undefined && written.until <= now) {
        writing.delete(node);
        written.done();
      }
      node.tick();
    }
    for (let busy = true; busy; ) {
      busy = false;
      for (const node of nodes) {
        if (!node.hasReady({ isDiskBusy: writing.has(node) })) continue;
        work(node, now);
        busy = true;
      }
    }
    if (nodes.some(({ role }) => role === "leader")) return now;
  }
  return Number.POSITIVE_INFINITY;
}

describe("an election on slow disks", () => {
  const seeds = Array.from({ length: 200 }, (_, at) => at + 1);
  for (const members of [1, 3, 5])
    for (const diskTicks of [1, 4, 11, 25])
      it(`ends among ${members} whose every write takes ${diskTicks} ticks`, () => {
        const slowest = Math.max(...seeds.map((seed) => ticksToLeader(seed, members, diskTicks)));
        assert.ok(slowest <= 3 * electionTicks + 20 * diskTicks, `${slowest} ticks`);
      });
});
