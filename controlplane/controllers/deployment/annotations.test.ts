import assert from "node:assert/strict";
import type { ReplicaSet } from "../../../client/types.ts";
import { revisionAfter, revisionAnnotation, revisionOf } from "./annotations.ts";

const withRevision = (revision: string) =>
  ({ metadata: { annotations: { [revisionAnnotation]: revision } } }) as unknown as ReplicaSet;

describe("controlplane/controllers/deployment revisions", () => {
  it("count on from any 64-bit revision, none rounded", () => {
    const old = [withRevision("3546343826724305832"), withRevision("7")];
    assert.equal(String(revisionAfter(old)), "3546343826724305833");
    assert.equal(String(revisionOf(withRevision("9007199254740993"))), "9007199254740993");
    assert.equal(String(revisionOf(withRevision("9223372036854775808"))), "0", "no 64-bit number");
    assert.equal(String(revisionAfter([])), "1");
  });
});
