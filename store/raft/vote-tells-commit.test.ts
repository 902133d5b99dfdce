import assert from "node:assert/strict";
import { drain, hear, oneMember } from "./fixtures/one-member.ts";
import type { Entry } from "./types.ts";

describe("a request for a vote", () => {
  const entry = (index: number, type: Entry["type"] = "normal"): Entry => ({
    term: 1,
    index,
    type,
    data: new Uint8Array(1),
  });
  /** Member 1 learns; its promotion is in its log, and more that the only voter lost before it was on its disk. */
  const learner = () =>
    oneMember({
      conf: { voters: [2n], learners: [1n] },
      entries: [entry(1), entry(2, "confChange"), entry(3)],
      hardState: { term: 1, vote: 0n, commit: 1 },
    });

  it("tells a learner that its promotion is committed, so that it can stand where nobody else can be elected", () => {
    const node = learner();
    drain(node);
    const request = { term: 2, index: 2, logTerm: 1, commit: 2, commitTerm: 1 };
    const [refusal] = hear(node, 2n, { type: "preVote", ...request });
    assert.equal(refusal?.reject, true, "its log is longer");
    assert.equal(node.appliedIndex, 2);
    node.applyConfChange({ voters: [1n, 2n], learners: [] });
    let sent = drain(node);
    for (let tick = 0; tick < 40 && sent.length === 0; tick++) {
      node.tick();
      sent = drain(node);
    }
    assert.deepEqual(
      sent.map(({ type, to, commit, commitTerm }) => ({ type, to, commit, commitTerm })),
      [{ type: "preVote", to: 2n, commit: 2, commitTerm: 1 }],
    );
  });

  it("tells nothing of an entry that another leader put there, nor of one that is not there", () => {
    for (const committed of [
      { term: 3, index: 2, logTerm: 2, commit: 2, commitTerm: 2 },
      { term: 3, index: 9, logTerm: 2, commit: 9, commitTerm: 2 },
    ]) {
      const node = learner();
      hear(node, 2n, { type: "preVote", ...committed });
      assert.equal(node.committed, 1);
    }
  });

  it("is not taken where more would be committed than the candidate has", () => {
    const node = learner();
    const request = {
      type: "preVote",
      to: 1n,
      term: 2,
      from: 2n,
      entries: [],
      reject: false,
      rejectHint: 0,
    } as const;
    const rest = { context: new Uint8Array(0), index: 2, logTerm: 1 };
    const problem = (commit: number, commitTerm: number) =>
      node.problemOf({ ...request, ...rest, commit, commitTerm });
    assert.equal(problem(2, 1), undefined);
    assert.match(problem(3, 1) ?? "", /ends at 2 of term 1, with 3 of term 1 committed/);
    assert.match(problem(2, 2) ?? "", /with 2 of term 2 committed/);
  });
});
