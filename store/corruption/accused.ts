import { majority } from "../raft/quorum.ts";
import type { MemberId } from "../raft/types.ts";

/** What members found at one place of the history, and which members found it. */
export type Groups<T> = ReadonlyMap<T, readonly MemberId[]>;

/** Nobody knows whose data is wrong. */
export const nobodyKnowsWhose: readonly MemberId[] = [0n];

/** Whose data is wrong: all but those of which a quorum of the members agrees. Members that could not be compared are in no
 *  group, and count for the quorum. Where no quorum agrees, etcd's id of nobody, 0. */
export function accused<T>(groups: Groups<T>, membersCount: number): readonly MemberId[] {
  if (groups.size <= 1) return [];
  const isQuorum = (ids: readonly MemberId[]) => ids.length >= majority(membersCount);
  const all = [...groups.values()];
  return all.some(isQuorum) ? all.filter((ids) => !isQuorum(ids)).flat() : nobodyKnowsWhose;
}

/** Adds a member to those that found the same. */
export function enter<T>(groups: Map<T, MemberId[]>, found: T, id: MemberId): void {
  const ids = groups.get(found);
  if (ids === undefined) groups.set(found, [id]);
  else ids.push(id);
}
