import type { Node } from "../../client/types.ts";
import { kubernetesVersion } from "../../client/version.ts";
import { formatBytes } from "../../client/why/amounts.ts";
import { isReadyNode } from "../../client/why/nodes.ts";
import type { CertificateTime } from "./certificate-times.ts";
import { type Check, error, ok, type Result, unknown, warning } from "./check.ts";
import { type ClusterFacts, isUnread } from "./cluster-facts.ts";

/** What a store member says of itself; undefined figures: it does not answer. */
export interface MemberFacts {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>> | undefined;
}

export interface ClusterView extends ClusterFacts {
  readonly kubeconfigTimes: readonly CertificateTime[];
  /** Of a cluster of this machine; undefined: it is elsewhere. */
  readonly members: readonly MemberFacts[] | undefined;
  /** There is one of each part, by plan. */
  readonly isSingle: boolean;
  /** Webhooks that are wrong, and those that would hold up everything; a line each. */
  readonly webhooks:
    | { readonly failing: readonly string[]; readonly blocking: readonly string[] }
    | undefined;
  /** How many causes `pintle why -A` finds. */
  readonly causes: number | undefined;
  readonly nowMs: number;
}

const leaderNames = ["kube-scheduler", "kube-controller-manager"];

const checks: Readonly<Record<string, (view: ClusterView) => Result | undefined>> = {
  "API server": ({ version, server }) =>
    isUnread(version)
      ? error(`${server} does not answer: ${version.unread}`, "`pintle status`, or `pintle up`")
      : ok(`${server} answers, version ${version}`),
  readiness: ({ ready }) => {
    if (isUnread(ready)) return error(`/readyz: ${ready.unread}`, "what it names");
    const bad = ready.split("\n").filter((line) => line.startsWith("[-]"));
    return bad.length === 0 ? ok("every check of /readyz passes") : error(bad.join("; "), "what it names");
  },
  "store members": storeResult,
  leaders: ({ leases, isSingle, nowMs }) => {
    if (isUnread(leases)) return unknown(leases.unread);
    const absent = leaderNames.filter((name) => !leases.some(({ metadata }) => metadata.name === name));
    if (absent.length > 0)
      return isSingle
        ? ok("one scheduler and one controller manager, which need no election")
        : unknown(`there is no Lease ${absent.join(", ")}: they run without election, or never ran`);
    const lacking = leaderNames.filter((name) => {
      const spec = leases.find(({ metadata }) => metadata.name === name)?.spec;
      return (
        !spec?.holderIdentity ||
        nowMs - Date.parse(spec.renewTime ?? "") > (spec.leaseDurationSeconds ?? 15) * 2000
      );
    });
    return lacking.length === 0
      ? ok(`${leaderNames.join(" and ")} have one`)
      : error(
          `${lacking.join(" and ")} ${lacking.length === 1 ? "has" : "have"} none`,
          "start it; its log says why it does not lead",
        );
  },
  nodes: ({ nodes }) => {
    if (isUnread(nodes)) return unknown(nodes.unread);
    if (nodes.length === 0) return error("there are none", "pintle agent, or pintle up --nodes 1");
    const lost = nodes.filter((node) => !isReadyNode(node));
    const cordoned = nodes.filter(({ spec }) => spec?.unschedulable).length;
    const says = `${nodes.length - lost.length} of ${nodes.length} are ready${cordoned > 0 ? `, ${cordoned} cordoned` : ""}`;
    return lost.length === 0
      ? ok(says)
      : error(`${says}; not ${names(lost)}`, `pintle why node/${lost[0]?.metadata.name}`);
  },
  versions: versionResult,
  certificates: ({ certificates, kubeconfigTimes, nowMs }) => {
    const all = [...certificates, ...kubeconfigTimes].sort((a, b) => a.notAfterMs - b.notAfterMs);
    const unreadable = all.filter(({ notAfterMs }) => Number.isNaN(notAfterMs));
    if (unreadable.length > 0)
      return error(
        `cannot be read: ${unreadable.map(({ of }) => of).join(", ")}`,
        "the files hold certificates",
      );
    const [first] = all;
    if (first === undefined) return unknown("none was seen");
    const days = Math.floor((first.notAfterMs - nowMs) / 86_400_000);
    const says = `${all.length} seen; the first to expire is ${first.of}, ${days < 0 ? `${-days} days ago` : `in ${days} days`}`;
    if (days < 0) return error(says, "make it anew (docs/how-to/upgrade.md)");
    return days < 30 ? warning(says, "make it anew before that") : ok(says);
  },
  "clock skew": ({ aheadMs }) => {
    if (isUnread(aheadMs)) return unknown(aheadMs.unread);
    const seconds = Math.round(Math.abs(aheadMs) / 100) / 10;
    const says =
      seconds < 2
        ? "the API server's clock and ours agree"
        : `the API server's clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} ours`;
    if (seconds >= 60) return error(says, "a time server for both machines");
    return seconds >= 2 ? warning(says, "a time server for both machines") : ok(says);
  },
  webhooks: ({ webhooks }) => {
    if (webhooks === undefined) return unknown("could not be looked at");
    if (webhooks.failing.length > 0) return error(webhooks.failing.join("; "), "pintle why -A");
    return webhooks.blocking.length > 0
      ? warning(
          `would hold up everything, their own pods included, when they do not answer: ${webhooks.blocking.join(", ")}`,
          "a namespaceSelector that leaves out their own namespace and kube-system, or failurePolicy: Ignore",
        )
      : ok("none that cannot be called, none that would hold up everything");
  },
  objects: ({ causes }) => {
    if (causes === undefined) return unknown("could not be looked at");
    return causes === 0
      ? ok("nothing is wrong")
      : warning(`${causes} cause${causes === 1 ? "" : "s"} of trouble`, "pintle why -A");
  },
};

const names = (nodes: readonly Node[]): string =>
  nodes
    .slice(0, 3)
    .map(({ metadata }) => metadata.name)
    .join(", ");

function storeResult({ members }: ClusterView): Result | undefined {
  if (members === undefined) return undefined;
  const silent = members.filter(({ figures }) => figures === undefined);
  const leaders = members.filter(({ figures }) => figures?.etcd_server_is_leader === 1);
  const size = Math.max(0, ...members.map(({ figures }) => figures?.etcd_mvcc_db_total_size_in_bytes ?? 0));
  const says = `${members.length - silent.length} of ${members.length} answer, ${leaders.length === 1 ? `${leaders[0]?.name} leads` : `${leaders.length} lead`}, ${formatBytes(size)} of data`;
  if (leaders.length !== 1) return error(says, "a majority of members runs and reaches each other");
  return silent.length > 0
    ? warning(`${says}; not ${silent.map(({ name }) => name).join(", ")}`, "pintle status")
    : ok(says);
}

/** Kubernetes' rules of skew: a node is not newer than its API server, and at most three minor releases older. */
const minorsMax = 3;

function versionResult({ version, nodes }: ClusterView): Result {
  if (isUnread(version) || isUnread(nodes)) return unknown("the API server or its nodes could not be asked");
  const server = minorOf(version);
  if (server === undefined) return unknown(`${version} is no version`);
  const bad = nodes.filter((node) => {
    const minor = minorOf(node.status?.nodeInfo?.kubeletVersion ?? "");
    return minor !== undefined && (minor > server || server - minor > minorsMax);
  });
  if (bad.length > 0)
    return error(
      `${bad.length} nodes are too old or too new for ${version}, such as ${bad[0]?.metadata.name} with ${bad[0]?.status?.nodeInfo?.kubeletVersion}`,
      "API servers first, then nodes",
    );
  const own = minorOf(kubernetesVersion.gitVersion);
  return own !== undefined && Math.abs(own - server) > 1
    ? warning(
        `the server is of ${version}, this command of ${kubernetesVersion.gitVersion}`,
        "a command of the server's release",
      )
    : ok(`nodes and this command go with ${version}`);
}

function minorOf(version: string): number | undefined {
  const found = /^v?1\.(\d+)/.exec(version)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** What there is to say of a cluster. Pure. */
export const clusterChecks = (view: ClusterView): readonly Check[] =>
  Object.entries(checks).flatMap(([name, check]) => {
    const result = check(view);
    return result === undefined ? [] : [{ of: "cluster" as const, name, ...result }];
  });
