import { compareVersions, parseVersion, shortVersion } from "./cluster-version.ts";

/** The cluster agreed on a version that this member does not speak. */
export class OlderThanClusterError extends Error {
  override readonly name = "OlderThanClusterError";
  readonly operator = true;

  constructor(own: string, cluster: string) {
    super(
      `invalid downgrade; server version ${own} is lower than determined cluster version ${shortVersion(cluster)}; ` +
        "start the newer version, or lower the cluster's with Downgrade first",
    );
  }
}

/** Whether a member of this version must not go on; undefined where it may. */
export function olderThanCluster(own: string, agreed: string): OlderThanClusterError | undefined {
  const [version, cluster] = [own, agreed].map(parseVersion);
  const isOlder = version !== undefined && cluster !== undefined && compareVersions(version, cluster) < 0;
  return isOlder ? new OlderThanClusterError(own, agreed) : undefined;
}
