import assert from "node:assert/strict";
import { SyncPlace } from "./sync-place.ts";

/** What is decided for batches of so many entries, each synced in `ms`. */
function places(place: SyncPlace, batches: readonly number[], ms: number): string {
  return batches
    .map((entries) => {
      const decided = place.next(entries);
      place.took(ms);
      return decided === "here" ? "h" : "e";
    })
    .join("");
}
const ones = (count: number) => Array.from({ length: count }, () => 1);

describe("the place of a sync", () => {
  it("is here once batches of one entry have come in a row", () => {
    const place = new SyncPlace();
    assert.equal(places(place, ones(12), 0.2), "eeeeeeeehhhh");
    assert.equal(places(place, [0, 1], 0.2), "hh", "a vote is as lone as an entry");
  });

  it("is elsewhere as soon as others write, too", () => {
    const place = new SyncPlace();
    places(place, ones(12), 0.2);
    assert.equal(places(place, [2, ...ones(9)], 0.2), "eeeeeeeeeh");
  });

  it("is elsewhere on a slow disk", () => {
    assert.ok(!places(new SyncPlace(), ones(100), 1.1).includes("h"));
  });

  it("is elsewhere for a while after one slow sync", () => {
    const place = new SyncPlace();
    places(place, ones(12), 0.2);
    place.took(20);
    assert.equal(places(place, ones(14), 0.2), "eeeeeeehhhhhhh");
    place.took(200);
    assert.ok(!places(place, ones(30), 0.2).includes("h"));
  });
});
