import assert from "node:assert/strict";
import type { Change } from "../mvcc/change.ts";
import { WatchEvent } from "./event-bytes.ts";
import { RecentRevisions } from "./recent.ts";

const kvBytes = 872;
const put = (revision: number): Change => ({
  type: "PUT",
  key: "a",
  revision,
  kv: new Uint8Array(kvBytes),
  previous: { main: revision - 1, sub: 0 },
});

describe("store/watch: recent revisions", () => {
  it("keep to their bound of bytes, whatever was made of them for watches meanwhile", () => {
    const recent = new RecentRevisions(0, { eventsMax: 1_000, bytesMax: 10_000 });
    for (let revision = 1; revision <= 100; revision++) {
      const event = new WatchEvent(put(revision));
      recent.push({ revision, events: [event] });
      event.withPrevious(() => new Uint8Array(kvBytes));
    }
    assert.equal(recent.first, 91);
    assert.equal(recent.sizeBytes, 10_000);
    assert.equal([...recent.from(1)].length, 10);
  });
});
