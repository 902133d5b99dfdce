import assert from "node:assert/strict";
import { createLog } from "../../base/os/log.ts";
import { StandingLog } from "./standing-log.ts";

describe("what a member says of its standing", () => {
  it("is in the words of etcd's raft, and said once", () => {
    const said: string[] = [];
    const log = new StandingLog(0xabn, createLog({ write: (line) => said.push(JSON.parse(line).msg) }));
    log.tell({ role: "preCandidate", leader: 0n, term: 1 });
    log.tell({ role: "leader", leader: 0xabn, term: 2 });
    log.tell({ role: "leader", leader: 0xabn, term: 2 });
    log.tell({ role: "follower", leader: 0xcn, term: 3 });
    log.tell({ role: "follower", leader: 0n, term: 4 });
    assert.deepEqual(said, [
      "ab became pre-candidate at term 1",
      "ab became leader at term 2",
      "raft.node: ab elected leader ab at term 2",
      "ab became follower at term 3",
      "raft.node: ab changed leader from ab to c at term 3",
      "raft.node: ab lost leader c at term 4",
    ]);
  });
});
