import { must } from "../../base/assert.ts";
import { UsageError } from "../../base/os/flags.ts";
import { describeError } from "../../base/os/log.ts";
import type { MembersResponse } from "../../proto/etcd-cluster.ts";
import type { Newcomer } from "../discovery/discover.ts";
import type { Discovery } from "../discovery/flags.ts";
import { type StoreConfig, serverVersion } from "../flags.ts";
import { type Beginning, type Identity, ownMember } from "../open-log.ts";
import type { MemberVersions } from "../transport/peer/versions.ts";
import { fitsCluster, noDowngrade, parseVersion, type Version } from "./cluster-version.ts";
import { newCluster, parseInitialCluster } from "./initial-cluster.ts";

/** Asks the member at a peer URL. */
export interface AskMember {
  members(peerUrl: string): Promise<MembersResponse>;
  versions(peerUrl: string): Promise<MemberVersions>;
}

/** How a member with an empty data directory begins. Throws with what to do when it cannot. */
export async function beginning(
  config: StoreConfig,
  ask: AskMember,
  discover: (discovery: Discovery, newcomer: Newcomer) => Promise<readonly string[]>,
): Promise<Beginning> {
  const { discovery, name, initialAdvertisePeerUrls: peerUrls } = config;
  // Who discovers each other by a token is a cluster by that token.
  const token = discovery?.kind === "token" ? discovery.token : config.initialClusterToken;
  const listed = async () => {
    if (discovery === undefined) return config.initialCluster;
    const memberId = ownMember(newCluster(config.initialCluster, token), name);
    return parseInitialCluster(await discover(discovery, { name, memberId, peerUrls }));
  };
  if (config.initialClusterState === "existing")
    return await joining({ ...config, initialCluster: await listed() }, ask);
  const cluster = newCluster(await listed(), token);
  return { kind: "new", cluster, memberId: ownMember(cluster, name) };
}

/** Refuses data of another member than the one the flags describe; what the log says wins over flags otherwise. */
export function checkIdentity(config: StoreConfig, { clusterId, memberId }: Identity): void {
  if (config.initialClusterState !== "new" || config.discovery !== undefined) return;
  const cluster = newCluster(config.initialCluster, config.initialClusterToken);
  const known = cluster.members.some((member) => member.id === memberId);
  if (known || cluster.clusterId === clusterId) return;
  throw new UsageError(
    `--data-dir: ${config.dataDir} holds member ${memberId.toString(16)} of cluster ${clusterId.toString(16)}, ` +
      `but --initial-cluster and --initial-cluster-token describe cluster ${cluster.clusterId.toString(16)}; ` +
      "choose another --data-dir, or the flags that the data was made with",
  );
}

/** A member that was added with MemberAdd finds its id by its peer URLs. It asks nobody who has not caught up far enough to know
 *  the cluster's version: such a learner may know neither whether this member fits, nor that it was added. */
async function joining(config: StoreConfig, ask: AskMember): Promise<Beginning> {
  const own = [...config.initialAdvertisePeerUrls].sort().join(",");
  const others = [...config.initialCluster]
    .filter(([name]) => name !== config.name)
    .flatMap(([, urls]) => urls);
  const failures: string[] = [];
  for (const url of others) {
    let answer: MembersResponse;
    try {
      const versions = await ask.versions(url);
      const clusterVersion = parseVersion(versions.cluster);
      if (clusterVersion === undefined) {
        failures.push(`the member at ${url} does not know yet what version its cluster is of`);
        continue;
      }
      checkFits(url, clusterVersion, versions);
      answer = await ask.members(url);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      failures.push(describeError(error));
      continue;
    }
    const self = answer.members.find((member) => [...member.peerUrls].sort().join(",") === own);
    if (self === undefined)
      throw new UsageError(
        `--initial-cluster-state=existing: no member of the cluster at ${url} has the peer URLs ${own}; add it first with "member add"`,
      );
    const identity = { clusterId: answer.header?.clusterId ?? 0n, memberId: self.id };
    return { kind: "join", identity, remotes: answer.members };
  }
  throw new UsageError(
    `--initial-cluster-state=existing: none of the other members in --initial-cluster answers: ${failures.join("; ")}`,
  );
}

/** Throws where the cluster speaks a version that this member does not. */
function checkFits(
  url: string,
  clusterVersion: Version,
  { cluster, downgradeTarget: targetVersion }: MemberVersions,
): void {
  const own = must(parseVersion(serverVersion), `${serverVersion} is a version`);
  const downgrade = targetVersion === "" ? noDowngrade : { enabled: true, targetVersion };
  if (fitsCluster(own, { clusterVersion, downgrade })) return;
  const towards = targetVersion === "" ? "" : `, on its way to ${targetVersion}`;
  throw new UsageError(
    `--initial-cluster-state=existing: incompatible with current running cluster: that at ${url} has agreed on ` +
      `${cluster}${towards}, and this member is of version ${serverVersion}`,
  );
}
