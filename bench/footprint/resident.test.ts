import { deepEqual, equal } from "node:assert/strict";
import { residentIn, togetherMb } from "./resident.ts";

const mapping = (
  where: string,
  kb: { readonly rss: number; readonly anonymous: number; readonly pss: number },
) => `${where}\nSize: 4096 kB\nRss: ${kb.rss} kB\nPss: ${kb.pss} kB\nAnonymous: ${kb.anonymous} kB\n`;

describe("what processes have resident", () => {
  const smaps =
    mapping("00400000-00800000 r-xp 00000000 fe:00 12    /usr/bin/node", {
      rss: 3072,
      anonymous: 0,
      pss: 1024,
    }) +
    mapping("00800000-00900000 rw-p 00400000 fe:00 12    /usr/bin/node", {
      rss: 1024,
      anonymous: 1024,
      pss: 1024,
    }) +
    mapping("7f0000000000-7f0000400000 rw-p 00000000 00:00 0 ", { rss: 2048, anonymous: 2048, pss: 2048 });

  it("tells pages of files from a process' own", () => {
    const { anonymousMb, fileMb, proportionalMb } = residentIn(smaps);
    equal(anonymousMb, 3);
    equal(proportionalMb, 4);
    deepEqual([...fileMb], [["/usr/bin/node", 3]]);
  });

  it("counts each file once", () => {
    equal(togetherMb([residentIn(smaps), residentIn(smaps)]), 3 + 3 + 3);
  });
});
