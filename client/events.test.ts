import assert from "node:assert/strict";
import { silentLog } from "../base/os/log.ts";
import { Prng } from "../base/os/random.ts";
import { ConnectionError } from "./api-error.ts";
import { EventRecorder, eventLimits } from "./events.ts";
import { resources } from "./resources.ts";
import { FakeApi } from "./testing/fake-api.ts";
import { ManualClock } from "./testing/manual-clock.ts";

const subject = (uid: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", uid },
});
const input = { type: "Warning", reason: "FailedScheduling", message: "no room" } as const;

describe("client/events", () => {
  const make = () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const deps = { client: api, clock, random: new Prng(1), log: silentLog };
    const recorder = new EventRecorder({ component: "tester", host: "node-1" }, deps);
    const stop = new AbortController();
    return { clock, api, recorder, stop, done: recorder.run(stop.signal) };
  };

  it("counts repeats on one event, keeps others apart", async () => {
    const { clock, api, recorder, stop, done } = make();
    for (let i = 0; i < 3; i++) {
      recorder.record(subject("u"), input);
      await clock.advance(1_000);
    }
    recorder.record(subject("u"), { ...input, message: "still no room" });
    await clock.advance(1_000);
    const [first, second, ...rest] = api.all(resources.events);
    assert.equal(rest.length, 0);
    assert.equal(first?.count, 3);
    assert.equal(first?.firstTimestamp, "2026-01-01T00:00:00Z");
    assert.equal(first?.lastTimestamp, "2026-01-01T00:00:02Z");
    assert.equal(first?.involvedObject.name, "p");
    assert.equal(first?.source?.component, "tester");
    assert.equal(second?.count, 1);
    stop.abort();
    await done;
  });

  it("begins anew when the event it counted on is gone", async () => {
    const { clock, api, recorder, stop, done } = make();
    recorder.record(subject("u"), input);
    await clock.advance(1);
    for (const { metadata } of api.all(resources.events)) await api.delete(resources.events, metadata);
    recorder.record(subject("u"), input);
    await clock.advance(1);
    assert.deepEqual(
      api.all(resources.events).map(({ count }) => count),
      [1],
    );
    stop.abort();
    await done;
  });

  it("outlives a server that is away, and sends what is left when stopped", async () => {
    const { clock, api, recorder, stop, done } = make();
    let away = true;
    api.intercept = async () => {
      if (away) throw new ConnectionError("away", { neverSent: true });
      return undefined;
    };
    recorder.record(subject("u"), input);
    await clock.advance(1_000);
    away = false;
    await clock.advance(10_000);
    assert.equal(api.all(resources.events).length, 1);
    recorder.record(subject("v"), input);
    recorder.record(subject("w"), input);
    stop.abort();
    await done;
    assert.equal(api.all(resources.events).length, 3);
    assert.equal(clock.pending, 0);
  });

  it("is bounded: one noisy object does not fill the store", async () => {
    const { clock, api, recorder, stop, done } = make();
    for (let i = 0; i < 500; i++) recorder.record(subject("u"), { ...input, message: `attempt ${i}` });
    await clock.advance(1);
    assert.equal(api.all(resources.events).length, eventLimits.burst);
    await clock.advance(eventLimits.refillMs);
    for (let i = 0; i < 5; i++) recorder.record(subject("u"), { ...input, message: `later ${i}` });
    await clock.advance(1);
    assert.equal(api.all(resources.events).length, eventLimits.burst + 1);
    stop.abort();
    await done;
  });
});
