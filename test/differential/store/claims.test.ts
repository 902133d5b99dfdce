import { Prng } from "../../../base/os/random.ts";
import { assertAlike, besideEach, both, rounds, seed } from "./beside.ts";
import { ClaimSide } from "./claim-side.ts";
import { type ClaimStep, ClaimSteps } from "./claim-steps.ts";

const episodesCount = 3 * rounds;
const stepsCount = 60;

// 3.4 tells who waits for a lock nothing of it when the own key is lost.
besideEach({ what: "locks and elections", versions: ["3.7"] }, (pair) => {
  for (let episode = 0; episode < episodesCount; episode++)
    it(`go to the same in the same turn, ${episode}`, async () => {
      const { own, theirs } = pair();
      const sides = { own: new ClaimSide(own), theirs: new ClaimSide(theirs) };
      const steps = new ClaimSteps(new Prng(seed * 1_000 + episode));
      const before: ClaimStep[] = [];
      try {
        for (let at = 0; at < stepsCount; at++) {
          const step = steps.next();
          before.push(step);
          const told = await both(pair(), (side) => (side === own ? sides.own : sides.theirs).take(step));
          assertAlike(told, before);
        }
      } finally {
        await Promise.all([sides.own.end(), sides.theirs.end()]);
      }
    });
});
