import { join } from "node:path";
import { must } from "../base/assert.ts";
import type { Os } from "../base/os/os.ts";
import { bootstrapLog } from "./driver/bootstrap.ts";
import type { InitialCluster } from "./membership/initial-cluster.ts";
import { memberJson } from "./membership/member.ts";
import type { MemberId } from "./raft/types.ts";
import type { Recovered } from "./wal/recovery.ts";
import { Wal, type WalConfig } from "./wal/wal.ts";

export interface Identity {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
}

/** How a member without a log begins. */
export type Beginning =
  /** With the others named by the flags; its log begins with their membership. */
  | { readonly kind: "new"; readonly cluster: InitialCluster; readonly memberId: MemberId }
  /** Added to a running cluster, whose leader sends everything. */
  | { readonly kind: "join"; readonly identity: Identity; readonly remotes: readonly Remote[] };

/** A member to answer to before the log has told who belongs to the cluster. */
export interface Remote {
  readonly id: MemberId;
  readonly peerUrls: readonly string[];
}

export interface OpenedLog {
  readonly wal: Wal;
  readonly recovered: Recovered;
  readonly identity: Identity;
  /** Set when this member joins. */
  readonly remotes?: readonly Remote[];
}

type LogOs = Pick<Os, "disk" | "clock" | "log" | "metrics">;

export const walFolder = (dataDir: string): string => join(dataDir, "member", "wal");

/** Opens the write-ahead log, or makes it as `begin` says. `begin` is asked only when there is none. */
export async function openLog(
  folder: string,
  begin: () => Promise<Beginning>,
  os: LogOs,
  size: Pick<WalConfig, "segmentBytes"> = {},
): Promise<OpenedLog> {
  if (await Wal.exists(os.disk, folder)) {
    const { wal, recovered } = await Wal.open({ folder, ...size }, os);
    const { nodeId: memberId, clusterId } = recovered.metadata;
    if (!isUntouched(recovered)) return { wal, recovered, identity: { clusterId, memberId } };
    // The last life ended between making the log and writing how it begins, or it waits to hear from a leader.
    const beginning = await begin();
    const identity = { clusterId, memberId };
    return { wal, recovered: await write(beginning, wal, recovered), identity, ...remotesOf(beginning) };
  }
  const beginning = await begin();
  const identity =
    beginning.kind === "join"
      ? beginning.identity
      : { clusterId: beginning.cluster.clusterId, memberId: beginning.memberId };
  const metadata = { nodeId: identity.memberId, clusterId: identity.clusterId };
  const wal = await Wal.create({ folder, ...size }, metadata, os);
  const empty: Recovered = {
    metadata,
    hardState: { term: 0, vote: 0n, commit: 0 },
    snapshot: { index: 0, term: 0, conf: { voters: [], learners: [] } },
    entries: [],
  };
  return { wal, recovered: await write(beginning, wal, empty), identity, ...remotesOf(beginning) };
}

const remotesOf = (beginning: Beginning) => (beginning.kind === "join" ? { remotes: beginning.remotes } : {});

const isUntouched = ({ entries, snapshot, hardState }: Recovered) =>
  entries.length === 0 && snapshot.index === 0 && hardState.term === 0;

async function write(beginning: Beginning, wal: Wal, recovered: Recovered): Promise<Recovered> {
  if (beginning.kind === "join") return recovered;
  const { members } = beginning.cluster;
  const first = bootstrapLog(members.map((member) => ({ id: member.id, context: memberJson(member) })));
  await wal.append({ ...first, sync: true });
  return { ...recovered, ...first };
}

/** The member of that name in a new cluster. */
export function ownMember(cluster: InitialCluster, name: string): MemberId {
  return must(
    cluster.members.find((member) => member.name === name),
    "flags were checked to list this member",
  ).id;
}
