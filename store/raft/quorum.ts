import type { ConfState, Index, MemberId } from "./types.ts";

/** How many of `voters` make a majority. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The highest index that a majority of the voters has; 0 without voters, so that nothing commits. */
export function committedIndex(voters: readonly MemberId[], match: (id: MemberId) => Index): Index {
  if (voters.length === 0) return 0;
  const matched = voters.map(match).sort((a, b) => b - a);
  return matched[majority(voters.length) - 1] ?? 0;
}

export type Tally = "won" | "lost" | "pending";

/** The state of an election given the answers so far. Answers of non-voters do not count. */
export function tally(voters: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): Tally {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  const needed = majority(voters.length);
  if (voters.length > 0 && granted >= needed) return "won";
  return voters.length - refused < needed ? "lost" : "pending";
}

/** Whether the members for which `has` holds form a majority of the voters. */
export function isQuorum(voters: readonly MemberId[], has: (id: MemberId) => boolean): boolean {
  return voters.length > 0 && voters.filter(has).length >= majority(voters.length);
}

export function isVoter(conf: ConfState, id: MemberId): boolean {
  return conf.voters.includes(id);
}

export function members(conf: ConfState): readonly MemberId[] {
  return [...conf.voters, ...conf.learners];
}
