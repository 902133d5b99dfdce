import assert from "node:assert/strict";
import { regexProblem, regexStepsMost } from "../../../client/logs/compile-regex.ts";
import { parseSearchRequest } from "../../../client/logs/search-request.ts";
import type { KubeObject } from "../../../client/types.ts";
import { foundEvents } from "./find-events.ts";

function searchFor(query: string) {
  const times = { since: "2026-12-01T00:00:00Z", until: "2026-12-02T00:00:00Z" };
  const read = parseSearchRequest(new URLSearchParams({ source: "events", query, ...times }), 0);
  assert.ok("request" in read);
  return read.request;
}
const events = Array.from(
  { length: 100 },
  (_, at) =>
    ({
      metadata: { name: `e${at}`, namespace: "n", creationTimestamp: "2026-12-01T06:00:00Z" },
      message: "a".repeat(1024),
    }) as unknown as KubeObject,
);

describe("the search of events", () => {
  it("gives others their turn, and ends where nobody waits for it", async () => {
    let turns = 0;
    const turn = async () => void turns++;
    const found = await foundEvents(events, searchFor("/a+/"), turn);
    assert.equal(found.filter((record) => "entry" in record).length, 100);
    assert.ok(turns >= 25, String(turns));
    const gone = new Error("gone");
    await assert.rejects(
      foundEvents(events, searchFor("/a+/"), () => Promise.reject(gone)),
      gone,
    );
  });

  it("takes no regular expressions that take too long together", () => {
    const problemOf = (query: string) => regexProblem(searchFor(query).query)?.message ?? "";
    const tooLong = new RegExp(`more than ${regexStepsMost} steps`);
    assert.match(problemOf("/(a|aa){1000}[yz]/"), tooLong);
    assert.match(problemOf('message=~"(a|aa){1000}"'), tooLong);
    assert.match(problemOf("/(a?){200}/ or /(b?){200}/"), tooLong);
    assert.equal(problemOf("/^[0-9T:.-]+Z? (GET|POST) .{0,200}timeout/ or /\\w{1,100}foo/"), "");
  });
});
