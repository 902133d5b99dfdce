import assert from "node:assert/strict";
import { deferred } from "../../../base/deferred.ts";
import { KeptAnswers, TooManyQuestions } from "./kept-answers.ts";

describe("answers that are kept", () => {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs };

  it("hold for their time, whatever it is", async () => {
    let asked = 0;
    const answers = new KeptAnswers<boolean>(clock, (yes) => (yes ? 100 : 10));
    const get = (key: string) => answers.get(key, async () => ++asked > 0 && key === "yes");
    assert.deepEqual([await get("yes"), await get("no"), asked], [true, false, 2]);
    nowMs += 9;
    assert.deepEqual([await get("yes"), await get("no"), asked], [true, false, 2]);
    nowMs += 1;
    assert.deepEqual([await get("yes"), await get("no"), asked], [true, false, 3]);
  });

  it("are one for all who ask at once, and none after a failure", async () => {
    let asked = 0;
    const answers = new KeptAnswers<number>(clock, () => 100);
    const first = deferred<number>();
    const ask = () => {
      asked++;
      return first.promise;
    };
    const both = Promise.allSettled([answers.get("k", ask), answers.get("k", ask)]);
    first.reject(new Error("away"));
    assert.deepEqual(
      (await both).map(({ status }) => status),
      ["rejected", "rejected"],
    );
    assert.equal(asked, 1);
    assert.equal(await answers.get("k", async () => 7), 7);
  });

  it("are asked for 64 at a time", async () => {
    const answers = new KeptAnswers<number>(clock, () => 100);
    const until = deferred<number>();
    const waiting = Array.from({ length: 64 }, (_, at) => answers.get(String(at), () => until.promise));
    await assert.rejects(
      answers.get("one more", async () => 1),
      TooManyQuestions,
    );
    until.resolve(3);
    await Promise.all(waiting);
    assert.equal(await answers.get("one more", async () => 1), 1);
  });
});
