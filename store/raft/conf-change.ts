import type { ConfChange, ConfState, MemberId } from "./types.ts";

/** The configuration after one change (thesis §4.1: one server at a time, so that old and new majorities overlap).
 *  A change that names nobody, or that is already in force, changes nothing. */
export function changedConf(conf: ConfState, change: ConfChange): ConfState {
  const id = change.nodeId;
  if (id === 0n) return conf;
  switch (change.type) {
    case "addNode":
      return conf.voters.includes(id)
        ? conf
        : { voters: sorted([...conf.voters, id]), learners: without(conf.learners, id) };
    case "addLearner":
      // A voter does not become a learner: it would have to leave first.
      return conf.voters.includes(id) || conf.learners.includes(id)
        ? conf
        : { voters: conf.voters, learners: sorted([...conf.learners, id]) };
    case "removeNode":
      return { voters: without(conf.voters, id), learners: without(conf.learners, id) };
    case "updateNode":
      return conf;
  }
}

function without(ids: readonly MemberId[], id: MemberId): readonly MemberId[] {
  return ids.filter((other) => other !== id);
}

function sorted(ids: readonly MemberId[]): readonly MemberId[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
