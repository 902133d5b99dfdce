import assert from "node:assert/strict";
import { leaderFirst, type Status } from "./leader.ts";

const status = (id: string, leader: string, revision = "7"): Status => ({
  header: { member_id: id, revision },
  leader,
});

describe("the members of a side", () => {
  it("are told with the leader first", () => {
    assert.deepEqual(leaderFirst([status("1", "2"), status("2", "2"), status("3", "2")]), [1, 0, 2]);
    assert.deepEqual(leaderFirst([status("1", "1")]), [0]);
  });

  it("are waited for while they have not applied the same, or do not follow the same leader", () => {
    assert.throws(() => leaderFirst([status("1", "1"), status("2", "1", "6")]), /not applied the same/);
    assert.throws(() => leaderFirst([status("1", "1"), status("2", "2")]), /no leader, or not the same/);
    assert.throws(() => leaderFirst([status("1", "0"), status("2", "0")]), /no leader, or not the same/);
  });
});
