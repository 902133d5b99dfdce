import assert from "node:assert/strict";
import {
  lostWrites,
  type ObjectRecord,
  type SeenEvent,
  type WatchLife,
  watchProblems,
} from "./client-records.ts";

const record = (uncertain?: ObjectRecord["uncertain"]): ObjectRecord => ({
  name: "a",
  acknowledged: [
    { name: "a", op: "create", revision: 5, value: "0" },
    { name: "a", op: "update", revision: 7, value: "1" },
  ],
  uncertain,
});
const gone: ObjectRecord = {
  ...record(),
  acknowledged: [...record().acknowledged, { name: "a", op: "delete", revision: undefined, value: "1" }],
};
const at = (revision: number, value: string) => new Map([["a", { revision, value }]]);
const event = (type: SeenEvent["type"], revision: number, value: string, name = "a"): SeenEvent => ({
  type,
  name,
  revision,
  value,
});
const told = [event("ADDED", 5, "0"), event("ADDED", 6, "x", "b"), event("MODIFIED", 7, "1")];

const life = (events: readonly SeenEvent[], startRevision = 4): WatchLife => ({ startRevision, events });

describe("checks of what clients of the API wrote down", () => {
  it("are content with what is as it was acknowledged, or as an uncertain write made it", () => {
    assert.deepEqual(lostWrites([record()], at(7, "1")), []);
    assert.deepEqual(lostWrites([gone], new Map()), []);
    assert.deepEqual(lostWrites([record("update")], at(9, "2")), []);
    assert.deepEqual(lostWrites([record("delete")], new Map()), []);
    assert.deepEqual(watchProblems([life(told)], [record()]), []);
    assert.deepEqual(watchProblems([life([...told, event("DELETED", 8, "1")])], [gone]), []);
  });

  it("find lost, altered and undone writes", () => {
    assert.match(lostWrites([record()], new Map())[0] ?? "", /a is gone/);
    assert.match(lostWrites([record()], at(7, "0"))[0] ?? "", /a holds 0, not 1/);
    assert.match(lostWrites([record()], at(5, "0"))[0] ?? "", /stands at 5, was acknowledged at 7/);
    assert.match(lostWrites([record("update")], at(5, "0"))[0] ?? "", /stands at 5/);
    assert.match(lostWrites([record("update")], new Map())[0] ?? "", /a is gone/);
    assert.match(lostWrites([gone], at(7, "1"))[0] ?? "", /is there, though deleted/);
  });

  it("find events that were lost, repeated, out of order, or told otherwise", () => {
    const problems = (events: readonly SeenEvent[], of = record()) =>
      watchProblems([life(events)], [of]).join("; ");
    assert.match(problems(told.slice(0, 2)), /update a at 7 was not told/);
    assert.match(problems([...told, event("MODIFIED", 7, "1")]), /MODIFIED a at 7 after 7/);
    assert.match(problems([event("MODIFIED", 7, "1"), event("ADDED", 5, "0")]), /ADDED a at 5 after 7/);
    assert.match(problems([event("ADDED", 5, "0"), event("MODIFIED", 7, "0")]), /told with 0/);
    assert.match(problems([event("ADDED", 5, "0"), event("ADDED", 7, "1")]), /told as ADDED/);
    assert.match(problems(told, gone), /delete a was not told/);
  });

  it("ask nobody for what happened between two whole states, and for everything else", () => {
    const between = [life(told.slice(0, 2)), life([], 7)];
    assert.deepEqual(watchProblems(between, [record()]), []);
    const early = [life(told.slice(0, 2)), life([], 6)];
    assert.deepEqual(watchProblems(early, [record()]), ["update a at 7 was not told"]);
    const later = [life([event("MODIFIED", 7, "1")]), life([], 9)];
    assert.deepEqual(watchProblems(later, [record()]), ["create a at 5 was not told"]);
  });
});
