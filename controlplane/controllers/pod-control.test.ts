import assert from "node:assert/strict";
import { systemRandom } from "../../base/os/random.ts";
import { apiErrorFrom, ConnectionError } from "../../client/api-error.ts";
import { keyOf } from "../../client/object-cache.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Draft, Pod } from "../../client/types.ts";
import { confirmAfterMs, doubtedAfterMs, Expectations } from "./expectations.ts";
import { PodControl } from "./pod-control.ts";
import { pod, replicaSet } from "./testing/objects.ts";

const owner = replicaSet("web", "a");
const lost = new ConnectionError("cut off", { neverSent: false });

/** An API whose answers to writes get lost, and which has every pod or none. */
function apart({ hasPods }: { readonly hasPods: boolean }) {
  const clock = new ManualClock();
  const expectations = new Expectations(clock);
  const asked: string[] = [];
  const client = {
    create: () => Promise.reject(lost),
    delete: () => Promise.reject(lost),
    async get(_: unknown, { name }: { readonly name: string }) {
      asked.push(name);
      if (!hasPods) throw apiErrorFrom(404, "");
    },
  };
  const control = new PodControl({
    client: client as never,
    recorder: { record: () => undefined },
    random: systemRandom,
    pods: { subscribe: () => () => undefined } as never,
    expectations,
  });
  return { clock, expectations, asked, control };
}
const draft = (name: string) => pod(name) as unknown as Draft<Pod>;

describe("controlplane/controllers/pod-control", () => {
  it("looks up soon what a lost answer leaves open, and goes on where nothing was made", async () => {
    const { clock, asked, control } = apart({ hasPods: false });
    await assert.rejects(control.create(owner, 1, draft), lost);
    assert.equal(await control.isSettled(owner), false);
    assert.deepEqual(asked, [], "the server may still be at it");
    assert.equal(control.unsettledMs(owner), doubtedAfterMs);
    await clock.advance(doubtedAfterMs);
    assert.equal(await control.isSettled(owner), true);
    assert.equal(asked.length, 1);
    assert.equal(control.unsettledMs(owner), undefined);
  });

  it("waits for the event of what was made all the same, without asking again and again", async () => {
    const { clock, asked, control, expectations } = apart({ hasPods: true });
    await assert.rejects(control.create(owner, 1, draft), lost);
    await clock.advance(doubtedAfterMs);
    assert.equal(await control.isSettled(owner), false);
    assert.equal(control.unsettledMs(owner), confirmAfterMs);
    const [name = ""] = asked;
    expectations.createSettled(keyOf(pod(name)));
    assert.equal(await control.isSettled(owner), true);
  });

  it("deletes again soon where the answer got lost", async () => {
    const { clock, control } = apart({ hasPods: false });
    await assert.rejects(control.delete(owner, [pod("going")]), lost);
    assert.equal(await control.isSettled(owner), false);
    await clock.advance(doubtedAfterMs);
    assert.equal(await control.isSettled(owner), true);
  });
});
