import assert from "node:assert/strict";
import { entryLine } from "./found-text.ts";

const entry = { source: 1, time: "2026-12-01T08:00:00Z", text: "fine" };

describe("what a search of logs shows on a terminal", () => {
  it("gives a terminal no orders, whoever wrote it", () => {
    const evil = "\x1b]0;x\x07";
    for (const source of [
      { id: 1, kind: "component", component: evil },
      { id: 1, kind: "container", namespace: evil, pod: evil, container: evil },
      { id: 1, kind: "event", namespace: evil },
    ] as const)
      assert.doesNotMatch(entryLine({ ...entry, text: `{"reason":"${evil}"}` }, source), /[\x00-\x09\x1b]/);
  });

  it("shows what is said to be an event and is none as it is", () => {
    for (const text of ["no JSON", "null"])
      assert.match(
        entryLine({ ...entry, text }, { id: 1, kind: "event", namespace: "n" }),
        new RegExp(`│ ${text}\n`),
      );
  });
});
