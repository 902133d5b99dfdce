/** Members of the store, as `/debug/store` tells of them. Pure. */

export interface Histogram {
  /** How many took at most so many seconds, the bounds rising. */
  readonly buckets: readonly { readonly most: number; readonly count: number }[];
  readonly count: number;
}

export interface StoreMember {
  readonly id: string;
  readonly name: string;
  readonly isLearner: boolean;
  readonly unreachable?: string;
  readonly isLeader?: boolean;
  readonly version?: string;
  readonly revision?: number;
  readonly raftIndex?: number;
  readonly raftAppliedIndex?: number;
  readonly databaseBytes?: number;
  readonly databaseBytesInUse?: number;
  readonly databaseBytesMost?: number;
  readonly errors?: readonly string[];
  readonly walFsync?: Histogram;
}

export interface MemberLine {
  readonly id: string;
  readonly name: string;
  readonly role: "leader" | "follower" | "learner" | "unreachable";
  /** What is wrong with it, in its own words; "": nothing. */
  readonly trouble: string;
  readonly revision: number;
  /** Entries of the log that others have and it has not applied. */
  readonly lag: number;
  readonly databaseBytes: number;
  readonly databaseBytesInUse: number;
  readonly databaseBytesMost: number;
  /** Undefined: it is not known. */
  readonly fsyncP99Seconds: number | undefined;
  readonly version: string;
}

/** @param before What was told a while ago: the latency is that of the time since, where there was any. */
export function memberLines(
  members: readonly StoreMember[],
  before: readonly StoreMember[] = [],
): readonly MemberLine[] {
  const newest = Math.max(0, ...members.map(({ raftIndex = 0 }) => raftIndex));
  const byName = [...members].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  return byName.map((member): MemberLine => {
    const { id, name, isLearner, unreachable, isLeader, errors = [], walFsync } = member;
    const role =
      unreachable !== undefined ? "unreachable" : isLeader ? "leader" : isLearner ? "learner" : "follower";
    const old = before.find((one) => one.id === id)?.walFsync;
    return {
      id,
      name,
      role,
      trouble: unreachable ?? errors.join("; "),
      revision: member.revision ?? 0,
      lag: unreachable === undefined ? Math.max(0, newest - (member.raftAppliedIndex ?? 0)) : 0,
      databaseBytes: member.databaseBytes ?? 0,
      databaseBytesInUse: member.databaseBytesInUse ?? 0,
      databaseBytesMost: member.databaseBytesMost ?? 0,
      fsyncP99Seconds: walFsync && (quantile(0.99, since(walFsync, old)) ?? quantile(0.99, walFsync)),
      version: member.version ?? "",
    };
  });
}

/** What was counted after `before`; a member that started anew counts from nothing. */
function since(now: Histogram, before: Histogram | undefined): Histogram {
  if (before === undefined || before.count > now.count || before.buckets.length !== now.buckets.length)
    return now;
  return {
    count: now.count - before.count,
    buckets: now.buckets.map(({ most, count }, at) => ({
      most,
      count: count - (before.buckets[at]?.count ?? 0),
    })),
  };
}

/** As Prometheus' histogram_quantile: even within a bucket; beyond the last bound that bound. */
export function quantile(share: number, { buckets, count }: Histogram): number | undefined {
  if (count <= 0) return undefined;
  const rank = share * count;
  let [from, below] = [0, 0];
  for (const { most, count: upTo } of buckets) {
    if (upTo >= rank) return upTo === below ? most : from + ((most - from) * (rank - below)) / (upTo - below);
    [from, below] = [most, upTo];
  }
  return buckets.at(-1)?.most;
}

/** `1.2 ms` */
export function secondsText(seconds: number): string {
  if (seconds >= 1) return `${Math.round(seconds * 10) / 10} s`;
  const ms = seconds * 1000;
  return `${ms >= 10 ? Math.round(ms) : Math.round(ms * 10) / 10} ms`;
}
