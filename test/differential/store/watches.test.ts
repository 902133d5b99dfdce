import { Prng } from "../../../base/os/random.ts";
import { assertAlike, besideEach, both, rounds, seed } from "./beside.ts";
import { WatchSide } from "./watch-side.ts";
import { type WatchStep, WatchSteps } from "./watch-steps.ts";

const episodesCount = 5 * rounds;
const stepsCount = 60;

// So that a few events of 60 kB come in fragments.
besideEach({ what: "watches", flags: ["--max-request-bytes=200000"] }, (pair, { minor }) => {
  for (let episode = 0; episode < episodesCount; episode++)
    it(`tell the same of the same changes, ${episode}`, async () => {
      const { own, theirs } = pair();
      const sides = { own: new WatchSide(own), theirs: new WatchSide(theirs) };
      const steps = new WatchSteps(new Prng(seed * 1_000 + episode), minor);
      const before: WatchStep[] = [];
      try {
        for (let at = 0; at < stepsCount; at++) {
          const step = steps.next(sides.theirs.revision);
          before.push(step);
          const told = await both(pair(), (side) => (side === own ? sides.own : sides.theirs).take(step));
          assertAlike(
            { own: [told.own, sides.own.heard], theirs: [told.theirs, sides.theirs.heard] },
            before,
          );
        }
      } finally {
        sides.own.end();
        sides.theirs.end();
      }
    });
});
