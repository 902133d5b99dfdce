import assert from "node:assert/strict";
import { must } from "../../../base/assert.ts";
import { failpointNamed } from "../../../base/failpoints/failpoint.ts";
import { DelayedAnswers } from "./delayed-answers.ts";

describe("the failpoint beforeSendWatchResponse", () => {
  const point = must(failpointNamed("beforeSendWatchResponse"), "the failpoint");
  const timers: { readonly ms: number; readonly fire: () => void }[] = [];
  const clock = {
    after: (ms: number, fire: () => void) => {
      const timer = { ms, fire };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const sent: number[] = [];
  let room = 0;
  const stream = () => {
    const send = (message: Uint8Array) => sent.push(...message) > 0;
    const out = { send, sendParts: (head: Uint8Array) => send(head), end: () => undefined };
    return new DelayedAnswers(out, clock, () => room++);
  };
  beforeEach(() => {
    timers.length = 0;
    sent.length = 0;
    room = 0;
  });
  afterEach(() => point.disarm());

  it("does nothing while nobody arms it", () => {
    const answers = stream();
    answers.passFailpoint();
    assert.equal(answers.send(Uint8Array.of(1)), true);
    assert.deepEqual(sent, [1]);
  });

  it("holds back the answers of a stream, in their order, and then says that there is room", () => {
    point.arm("sleep(100)");
    const answers = stream();
    answers.passFailpoint();
    assert.equal(answers.send(Uint8Array.of(1)), false);
    answers.passFailpoint();
    assert.equal(answers.sendParts(Uint8Array.of(2), Uint8Array.of()), false);
    assert.deepEqual(sent, []);
    const other = stream();
    assert.equal(other.send(Uint8Array.of(3)), true);
    assert.deepEqual(
      timers.map(({ ms }) => ms),
      [100],
    );
    timers[0]?.fire();
    assert.deepEqual(sent, [3, 1, 2]);
    assert.equal(room, 1);
    assert.equal(answers.send(Uint8Array.of(4)), true);
  });

  it("sends nothing once the stream is closed", () => {
    point.arm("sleep(100)");
    const answers = stream();
    answers.passFailpoint();
    answers.send(Uint8Array.of(1));
    answers.closed();
    assert.deepEqual(timers, []);
    assert.deepEqual(sent, []);
  });
});
