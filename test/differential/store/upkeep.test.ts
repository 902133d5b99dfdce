import assert from "node:assert/strict";
import { Prng } from "../../../base/os/random.ts";
import type { SnapshotResponse } from "../../../proto/etcd-maintenance.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import { assertAlike, besideEach, both, rounds, type Side, seed } from "./beside.ts";
import type { Told } from "./raw-client.ts";
import { UpkeepSide } from "./upkeep-side.ts";
import { type UpkeepStep, UpkeepSteps } from "./upkeep-steps.ts";

const stepsCount = 200 * rounds;

// 3.4 has no downgrade, and promotes and lists members otherwise.
besideEach({ what: "members and upkeep", versions: ["3.7"] }, (pair) => {
  it(`${stepsCount} requests, one after the other`, async () => {
    const { own, theirs } = pair();
    const [ownSide, theirSide] = [new UpkeepSide(own), new UpkeepSide(theirs)];
    const steps = new UpkeepSteps(new Prng(seed));
    const before: UpkeepStep[] = [];
    for (let at = 0; at < stepsCount; at++) {
      const step = steps.next();
      before.push(step);
      const told = await both(pair(), (side) => (side === own ? ownSide : theirSide).take(step));
      assertAlike(told, before.slice(-12));
    }
  });

  it("the pieces of a snapshot", async () => {
    const told = await both(pair(), async ({ client }) => shapeOf(await client.stream(methods.snapshot, {})));
    assertAlike(told, [{ method: "snapshot" }]);
  });

  it("a second voter, which takes the quorum away", async () => {
    const ask = async ({ client }: Side) => {
      const added = await client.call(methods.memberAdd, { peerUrls: ["http://127.0.0.1:9"] });
      assert.ok("answer" in added, "a voter is added");
      return client.call(methods.memberAdd, { peerUrls: ["http://127.0.0.1:8"] });
    };
    assertAlike(await both(pair(), ask), [{ method: "memberAdd" }]);
  });
});

/** A snapshot's pieces but for how long they are: that what remains falls to nothing, and a digest is last. */
function shapeOf(told: readonly Told[]): object {
  const pieces = told.map((one) => ("answer" in one ? one.answer : one) as SnapshotResponse);
  const remaining = pieces.map(({ remainingBytes }) => remainingBytes);
  const isFalling = remaining.every((bytes, at) => bytes <= (remaining[at - 1] ?? Number.POSITIVE_INFINITY));
  const { blob, remainingBytes: last } = pieces.at(-1) ?? {};
  return {
    isFalling,
    last,
    digestBytes: blob?.length,
    versions: [...new Set(pieces.map(({ version }) => version))],
  };
}
