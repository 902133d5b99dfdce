import assert from "node:assert/strict";
import fc from "fast-check";
import type { Kind } from "../registry/kind.ts";
import { StoredObject } from "../registry/stored-object.ts";
import { EventWindow, windowLimits } from "./event-window.ts";
import { fitIntoBudget } from "./history-budget.ts";

const kind: Kind = {
  group: "",
  version: "v1",
  kind: "Thing",
  plural: "things",
  singular: "thing",
  shortNames: [],
  categories: [],
  namespaced: true,
  subresources: {},
  applyDefaults: () => {},
  validate: () => [],
  columns: [],
  cells: () => [],
};
const value = new TextEncoder().encode('{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a"}}');
const stored = (revision: number) =>
  new StoredObject(kind, { key: "/registry/things/a", value, modRevision: revision });
const put = (revision: number, previous?: StoredObject) => ({
  type: "put" as const,
  revision,
  object: stored(revision),
  previous,
});
/** Keeps so many whatever their age, once `push` says that they are old. */
const keeping = (eventsMin: number) => ({ ageMinMs: 0, eventsMin, unpackedMax: 10 });

describe("event window", () => {
  it("resumes after any revision it holds, and says what is gone", () => {
    const window = new EventWindow(10, keeping(3));
    for (const revision of [12, 14, 14, 17]) window.push(put(revision), revision);
    assert.equal(window.floorRevision, 12);
    assert.equal(window.after(11), "gone");
    const rest = (revision: number) => {
      const seen: number[] = [];
      const start = window.after(revision);
      if (start === "gone") return start;
      for (let at = start; at < window.end; at++) {
        const event = window.at(at);
        if (event !== undefined && event !== "gone") seen.push(event.revision);
      }
      return seen;
    };
    assert.deepEqual(rest(12), [14, 14, 17]);
    assert.deepEqual(rest(13), [14, 14, 17]);
    assert.deepEqual(rest(14), [17]);
    assert.deepEqual(rest(99), []);
    assert.equal(window.at(0), "gone");
  });

  it("keeps every event of the last 75 s, however many, and no more than it must of older ones", () => {
    const window = new EventWindow(0);
    const perSecond = 500;
    let revision = 0;
    for (let second = 0; second <= 200; second++)
      for (let n = 0; n < perSecond; n++) window.push(put(++revision), second * 1000);
    const kept = 76 * perSecond;
    assert.equal(window.count, kept);
    assert.notEqual(window.after(revision - kept), "gone");
    for (let n = 0; n < 5000; n++) window.push(put(++revision), 1_000_000);
    assert.equal(window.count, 5000, "what is old has gone");
    window.push(put(++revision), 9_000_000);
    assert.equal(window.count, windowLimits.eventsMin, "some stay, for kinds that seldom change");
  });

  it("never skips: what `after` gives is exactly what was pushed later", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { maxLength: 40 }),
        fc.nat(120),
        fc.integer({ min: 1, max: 10 }),
        (steps, from, eventsMin) => {
          const window = new EventWindow(0, keeping(eventsMin));
          const pushed: number[] = [];
          let revision = 1;
          for (const step of steps) {
            revision += step;
            pushed.push(revision);
            window.push(put(revision), pushed.length);
          }
          const start = window.after(from);
          if (start === "gone") {
            assert.ok(from < window.floorRevision);
            return;
          }
          const seen: number[] = [];
          for (let at = start; at < window.end; at++) {
            const event = window.at(at);
            assert.ok(event !== undefined && event !== "gone");
            seen.push(event.revision);
          }
          assert.deepEqual(
            seen,
            pushed.filter((one) => one > from),
          );
        },
      ),
    );
  });

  it("packs the states that only history still needs, and shows them as they were", () => {
    const window = new EventWindow(0, { ...keeping(100), unpackedMax: 2 });
    const states = Array.from({ length: 6 }, (_, at) => stored(at + 1));
    const texts = states.map((one) => one.json());
    states.forEach((object, at) => {
      window.push({ type: "put", revision: at + 1, object, previous: states[at - 1] }, 0);
    });
    assert.deepEqual(
      states.map((one) => one.json()),
      texts,
    );
    assert.deepEqual(
      states.map((one) => one.object.metadata.resourceVersion),
      ["1", "2", "3", "4", "5", "6"],
    );
  });
});

describe("history budget", () => {
  it("drops the oldest of any kind until all fit, and counts every replaced state once", () => {
    const [one, two] = [new EventWindow(0), new EventWindow(0)];
    let previous = stored(1);
    for (let n = 0; n < 50; n++) {
      const event = put(n + 2, previous);
      (n % 2 === 0 ? one : two).push(event, n);
      previous = event.object;
    }
    const eachBytes = one.sizeBytes / one.count;
    fitIntoBudget([one, two], eachBytes * 10);
    assert.deepEqual([one.count, two.count], [5, 5]);
    assert.deepEqual([one.oldestMs, two.oldestMs], [40, 41]);
    fitIntoBudget([one, two], 0);
    assert.deepEqual([one.count, two.count], [1, 1], "the newest stay");
  });
});
