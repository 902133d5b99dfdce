import assert from "node:assert/strict";
import { type InternalRaftRequestParts, internalRaftRequest } from "../proto/etcd.ts";
import { entryProblem } from "./entry-problem.ts";

const problemOf = (request: InternalRaftRequestParts) =>
  entryProblem({ term: 1, index: 1, type: "normal", data: internalRaftRequest.encode(request) });

describe("entries that nobody may apply", () => {
  it("hold passwords in place of their hashes", () => {
    for (const request of [
      { authUserAdd: { name: "ann", password: "pw" } },
      { authUserChangePassword: { name: "ann", password: "pw" } },
    ] satisfies InternalRaftRequestParts[])
      assert.match(problemOf(request) ?? "", /it holds a password/);
    assert.equal(problemOf({ authUserAdd: { name: "ann", hashedPassword: "aGFzaA==" } }), undefined);
    assert.equal(problemOf({ authUserAdd: { name: "ann", options: { noPassword: true } } }), undefined);
  });

  it("hold nothing that is known", () => {
    assert.match(problemOf({ header: { id: 1n } }) ?? "", /unknown kind/);
    assert.equal(problemOf({ authUserList: {} }), undefined);
  });
});
