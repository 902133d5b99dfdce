import { StoreError } from "../errors.ts";

/** The versions that members agree on have no patch. */
export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** Whether the cluster is on its way to an older version, and to which. */
export interface Downgrade {
  readonly enabled: boolean;
  /** Like "3.6.0"; empty where it is not enabled. */
  readonly targetVersion: string;
}
export const noDowngrade: Downgrade = { enabled: false, targetVersion: "" };

/** What a cluster speaks whose members cannot all be asked when it begins. */
const lowest: Version = { major: 3, minor: 0 };

/** Of a semantic version; undefined where it is none. */
export function parseVersion(text: string): Version | undefined {
  const match = /^(\d+)\.(\d+)\.\d+([-+].+)?$/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

export const versionText = ({ major, minor }: Version): string => `${major}.${minor}.0`;

/** Like "3.7", as etcd tells a cluster's version in answers and logs. */
export const shortVersion = (text: string): string => text.split(".").slice(0, 2).join(".");

/** Negative, zero or positive as the first is older, the same or newer. */
export const compareVersions = (a: Version, b: Version): number => a.major - b.major || a.minor - b.minor;

const isSame = (a: Version, b: Version) => compareVersions(a, b) === 0;
const oneBelow = ({ major, minor }: Version): Version => ({ major, minor: minor - 1 });

/** What a client asks for as the target of a downgrade; the patch may be missing. Throws StoreError. */
export function downgradeTarget(text: string): Version {
  const target = parseVersion(text) ?? parseVersion(`${text}.0`);
  if (target === undefined) throw new StoreError("WRONG_DOWNGRADE_VERSION_FORMAT");
  return target;
}

/** Throws StoreError where a cluster of this version cannot begin to go to the target. */
export function checkDowngrade(target: Version, clusterVersion: string, downgrade: Downgrade): void {
  const now = parseVersion(clusterVersion);
  if (now === undefined) throw new StoreError("CLUSTER_VERSION_UNAVAILABLE");
  if (!isSame(target, oneBelow(now))) throw new StoreError("INVALID_DOWNGRADE_TARGET");
  if (downgrade.enabled) throw new StoreError("DOWNGRADE_IN_PROCESS");
}

export interface VersionView {
  /** Undefined: none was agreed upon yet. */
  readonly clusterVersion: Version | undefined;
  /** The version of each member's program; undefined where it cannot be known now. */
  readonly members: readonly (Version | undefined)[];
  readonly downgrade: Downgrade;
}

/** The version that the leader should have the cluster agree on; undefined: it stays. */
export function decidedVersion({ clusterVersion, members, downgrade }: VersionView): Version | undefined {
  const oldest = oldestOf(members);
  if (clusterVersion === undefined) return oldest ?? lowest;
  if (oldest === undefined) return undefined;
  if (downgrade.enabled) {
    const target = parseVersion(downgrade.targetVersion);
    const isOneBelow = (from: Version) => target !== undefined && isSame(target, oneBelow(from));
    // Members that run the older program already speak it, too.
    return isOneBelow(clusterVersion) && isOneBelow(oldest) ? target : undefined;
  }
  const isNewer = compareVersions(clusterVersion, oldest) < 0 && clusterVersion.major === oldest.major;
  return isNewer ? oldest : undefined;
}

/** Whether every member runs the program that a downgrade leads to, so that it is over. */
export function isDowngraded({ members, downgrade }: Omit<VersionView, "clusterVersion">): boolean {
  const target = downgrade.enabled ? parseVersion(downgrade.targetVersion) : undefined;
  return target !== undefined && members.every((member) => member !== undefined && isSame(member, target));
}

function oldestOf(members: readonly (Version | undefined)[]): Version | undefined {
  let oldest: Version | undefined;
  for (const member of members) {
    if (member === undefined) return undefined;
    if (oldest === undefined || compareVersions(member, oldest) < 0) oldest = member;
  }
  return oldest;
}

/** Whether a member of this version may join a cluster: it speaks what the cluster agreed on, or what that is on its way to. */
export function fitsCluster(
  own: Version,
  { clusterVersion, downgrade }: { readonly clusterVersion: Version; readonly downgrade: Downgrade },
): boolean {
  const target = downgrade.enabled ? parseVersion(downgrade.targetVersion) : undefined;
  if (target !== undefined) return isSame(target, own);
  return compareVersions(lowest, clusterVersion) <= 0 && compareVersions(clusterVersion, own) <= 0;
}
