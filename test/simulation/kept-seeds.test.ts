import assert from "node:assert/strict";
import { swarmOptions } from "./options.ts";
import { simulate } from "./simulate.ts";

/** Seeds that once broke a property, and why. */
const kept = [
  { seed: 50_113, why: "the operator took one of two members out, and the power of the other failed" },
  { seed: 707_343_950, why: "the operator did so in a cluster that had begun with one member" },
  { seed: 900_027, why: "a client that read slowly in the storm had too much left to read after it" },
  { seed: 296_263_795, why: "a disk was damaged before all others knew for good of a vote that was added" },
  { seed: 296_263_818, why: "a learner was taken out while it was away, and had nothing to say to anybody" },
  { seed: 9_001_731, why: "a leader took itself out, and the power of the other of two failed" },
  { seed: 9_004_868, why: "a member told what a compaction had hashed in a store without any key left" },
  {
    seed: 2_043_503_984,
    why: "the write that was to show that all is well was one too many for a full database",
  },
  { seed: 486_237_500, why: "whoever changes users rested longer than calm lasts" },
  {
    seed: 373_782_845,
    why: "a member that was sent the whole state knew a token of before a password was changed",
  },
  {
    seed: 1_434_846_963,
    why: "a member found in the calm what had rotted on its disk, and was replaced while it was asked",
  },
  { seed: 415_638_581, why: "a member found at the last look what had rotted on its disk" },
  {
    seed: 415_639_712,
    why: "a bit turned over in the head of a block, by which a revision was looked for elsewhere",
  },
  {
    seed: 415_640_506,
    why: "a member was taken out while it was away, and all that it knew were gone when it came back",
  },
  {
    seed: 1_710_591_836,
    why: "a bit turned over in the last batch that was synced, with a torn one behind it",
  },
  {
    seed: 68_525_701,
    why: "one of two heard of its removal before the leader had it on disk that it is committed",
  },
  { seed: 1_220_694_118, why: "it heard so by a message on its way when the leader's power failed" },
  { seed: 1_220_694_258, why: "it heard so right after it had handed over" },
  { seed: 959_445_208, why: "each of two was asked to be taken out while the other was there" },
  {
    seed: 2_141_066_227,
    why: "a member was killed again right after it had found what its disk lied about",
  },
  {
    seed: 1_056_487_448,
    why: "a member that was taken out was defragmenting, and its machine got another disk",
  },
  {
    seed: 1_056_493_287,
    why: "one of two did not know that it was no learner any more, and had more of the log",
  },
  { seed: 83_373_836, why: "a process that had just died began to send its state, which nobody ended" },
] as const;

describe("a seed that once broke a property", () => {
  for (const { seed, why } of kept)
    it(`breaks none: ${seed}, where ${why}`, async function () {
      this.timeout(180_000);
      const { violation } = await simulate(swarmOptions(seed));
      assert.equal(violation?.message, undefined);
    });
});
