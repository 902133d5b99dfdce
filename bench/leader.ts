import { askMember } from "./gateway.ts";
import type { Side } from "./peers.ts";
import { until } from "./until.ts";

const appliedWithinMs = 60_000;

/** What a member says of itself, as far as it is asked here. */
export interface Status {
  readonly header: { readonly member_id: string; readonly revision: string };
  readonly leader?: string;
}

/** Waits until all members have applied the same; answers their places, the leader's first. */
export const leaderAndRest = (side: Side): Promise<readonly number[]> =>
  until(
    async () => {
      const asked = side.endpoints.map((_, i) => askMember(side, i, "maintenance/status", {}));
      return leaderFirst((await Promise.all(asked)) as Status[]);
    },
    { everyMs: 100, withinMs: appliedWithinMs },
  );

/** Pure: the places of the members, the leader's first. Throws while they differ in their revision or their leader. */
export function leaderFirst(statuses: readonly Status[]): readonly number[] {
  const [first] = statuses;
  if (!statuses.every(({ header }) => header.revision === first?.header.revision))
    throw new Error("the members have not applied the same");
  const leading = statuses.findIndex(({ header }) => header.member_id === first?.leader);
  if (leading === -1 || !statuses.every(({ leader }) => leader === first?.leader))
    throw new Error("the members know no leader, or not the same");
  return [leading, ...[...statuses.keys()].filter((place) => place !== leading)];
}
