import assert from "node:assert/strict";
import fc from "fast-check";
import type { Kind } from "../registry/kind.ts";
import { StoredObject } from "../registry/stored-object.ts";
import { EventWindow } from "./event-window.ts";

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
const put = (revision: number) => ({
  type: "put" as const,
  revision,
  object: new StoredObject(kind, { key: "/registry/things/a", value, modRevision: revision }),
  previous: undefined,
});

describe("event window", () => {
  it("resumes after any revision it holds, and says what is gone", () => {
    const window = new EventWindow(10, { eventsMax: 3, bytesMax: 1e9 });
    for (const revision of [12, 14, 14, 17]) window.push(put(revision));
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

  it("drops by bytes too, but never the newest", () => {
    const window = new EventWindow(0, { eventsMax: 100, bytesMax: 1 });
    window.push(put(1));
    window.push(put(2));
    assert.equal(window.count, 1);
    assert.equal(window.floorRevision, 1);
  });

  it("never skips: what `after` gives is exactly what was pushed later", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { maxLength: 40 }),
        fc.nat(120),
        fc.integer({ min: 1, max: 10 }),
        (steps, from, size) => {
          const window = new EventWindow(1, { eventsMax: size, bytesMax: 1e9 });
          const revisions: number[] = [];
          let revision = 2;
          for (const step of steps) {
            revision += step;
            revisions.push(revision);
            window.push(put(revision));
          }
          const wanted = revisions.filter((one) => one > from);
          const start = window.after(from);
          if (start === "gone") assert.ok(from < window.floorRevision);
          else assert.equal(window.end - start, wanted.length);
        },
      ),
    );
  });
});
