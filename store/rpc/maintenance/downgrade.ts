import type { DowngradeRequest } from "../../../proto/etcd-maintenance.ts";
import { StoreError } from "../../errors.ts";
import {
  checkDowngrade,
  downgradeTarget,
  shortVersion,
  type Version,
  versionText,
} from "../../membership/cluster-version.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Begins, or ends, the cluster's way to the version before; the leader's monitor then has it agree on that. */
export async function downgrade(request: DowngradeRequest, parts: MemberParts) {
  const { members, proposer } = parts;
  switch (request.action) {
    case "VALIDATE": {
      const target = downgradeTarget(request.version);
      const version = shortVersion(members.clusterVersion);
      await check(target, parts);
      return { header: header(parts), version };
    }
    case "ENABLE": {
      const target = downgradeTarget(request.version);
      await check(target, parts);
      await proposer.propose("downgradeInfoSet", { enabled: true, ver: versionText(target) });
      return { header: header(parts), version: shortVersion(members.clusterVersion) };
    }
    case "CANCEL":
      await parts.reads.ready();
      // Where there is nothing to cancel etcd answers alike.
      if (members.downgrade.enabled) await proposer.propose("downgradeInfoSet", { enabled: false, ver: "" });
      return { header: header(parts), version: shortVersion(members.clusterVersion) };
    default:
      throw new StoreError("UNKNOWN_METHOD");
  }
}

async function check(target: Version, { members, reads }: MemberParts): Promise<void> {
  if (members.clusterVersion === "") throw new StoreError("CLUSTER_VERSION_UNAVAILABLE");
  await reads.ready(); // so that it is not an older state of affairs
  checkDowngrade(target, members.clusterVersion, members.downgrade);
}
