import assert from "node:assert/strict";
import { peerAnswers } from "./peer-questions.ts";

type Args = Parameters<typeof peerAnswers>;

describe("what a member answers another", () => {
  it("refuses a question that it does not know, and asks the leases only about leases", async () => {
    const asked: string[] = [];
    const leases = {
      answer: async (kind: string) => {
        asked.push(kind);
        return new Uint8Array(0);
      },
    };
    const answers = peerAnswers({} as Args[0], { leases } as unknown as Args[1]);
    await answers("renew", 1n);
    await answers("timeToLive.keys", 1n);
    await assert.rejects(answers("no such question", 1n), { code: "UNKNOWN_METHOD" });
    assert.deepEqual(asked, ["renew", "timeToLive.keys"]);
  });

  it("hashes its history once at a time, however often it is asked", async () => {
    const asked: number[] = [];
    const state = {
      hashHistory(revision: number) {
        asked.push(revision);
        return new Promise(() => undefined);
      },
    };
    const answers = peerAnswers({} as Args[0], { state } as unknown as Args[1]);
    for (const revision of [5n, 5n, 6n]) void answers("hashKv", revision);
    await new Promise(setImmediate);
    assert.deepEqual(asked, [5]);
  });
});
