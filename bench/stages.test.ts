import assert from "node:assert/strict";
import { type CpuProfile, timeByStage } from "./stages.ts";

const frame = (functionName: string, url = "") => ({ functionName, url, lineNumber: 0, columnNumber: 0 });
/** A sample of each node but the root, a millisecond long, from 1000 on. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 4, 5, 6, 8] },
    { id: 2, callFrame: frame("put", "store/mvcc/put.ts"), children: [3] },
    { id: 3, callFrame: frame("set") },
    { id: 4, callFrame: frame("(garbage collector)") },
    { id: 5, callFrame: frame("(idle)") },
    { id: 6, callFrame: frame("send", "store/transport/peer/send.ts"), children: [7] },
    { id: 7, callFrame: frame("writev") },
    { id: 8, callFrame: frame("(program)") },
  ],
  startTime: 1000,
  samples: [2, 3, 4, 5, 6, 7, 8],
  timeDeltas: [1000, 1000, 1000, 1000, 1000, 1000, 1000],
};
const sourceOf = ({ url }: { readonly url: string }) => url;

describe("the time of a profile by stage", () => {
  it("is that of the sources, and what V8 does for them; waiting is none", () => {
    const time = timeByStage(profile, { fromUs: 0, toUs: 100_000 }, sourceOf);
    assert.deepEqual(Object.fromEntries(time), {
      "apply, MVCC": 2000,
      collector: 1000,
      peers: 1000,
      "system calls": 1000,
      other: 1000,
    });
  });

  it("is of a window", () => {
    const time = timeByStage(profile, { fromUs: 3000, toUs: 5000 }, sourceOf);
    assert.deepEqual(Object.fromEntries(time), { "apply, MVCC": 1000, collector: 1000 });
  });
});
