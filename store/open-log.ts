import { join } from "node:path";
import { must } from "../base/assert.ts";
import type { Os } from "../base/os/os.ts";
import { bootstrapLog } from "./driver/bootstrap.ts";
import type { InitialCluster } from "./membership/initial-cluster.ts";
import { memberJson } from "./membership/member.ts";
import type { Index, MemberId } from "./raft/types.ts";
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

/** The database tells of a life whose log is gone. With it went the vote and the entries that this member promised to keep: as
 *  a new member of the same name it could vote twice in a term, or help to lose what was acknowledged. */
export class LogMissingError extends Error {
  override readonly name = "LogMissingError";
  readonly operator = true;

  constructor(folder: string, appliedIndex: Index) {
    super(
      `${folder}: the write-ahead log is missing, although the database beside it holds the state up to index ${appliedIndex}; ` +
        "put the log back, or remove this member and add it again with an empty data directory",
    );
  }
}

export interface LogConfig extends WalConfig {
  /** How far the state in the database is. */
  readonly appliedIndex: Index;
}

/** Opens the write-ahead log, or makes it as `begin` says. `begin` is asked only when there is none, and none is made beside a
 *  database that has had one. */
export async function openLog(
  { appliedIndex, ...config }: LogConfig,
  begin: () => Promise<Beginning>,
  os: LogOs,
): Promise<OpenedLog> {
  if (await Wal.exists(os.disk, config.folder)) {
    const { wal, recovered } = await Wal.open(config, os);
    const { nodeId: memberId, clusterId } = recovered.metadata;
    if (!isUntouched(recovered)) return { wal, recovered, identity: { clusterId, memberId } };
    // The last life ended between making the log and writing how it begins, or it waits to hear from a leader.
    const beginning = await begin();
    const identity = { clusterId, memberId };
    return { wal, recovered: await write(beginning, wal, recovered), identity, ...remotesOf(beginning) };
  }
  if (appliedIndex > 0) throw new LogMissingError(config.folder, appliedIndex);
  const beginning = await begin();
  const identity =
    beginning.kind === "join"
      ? beginning.identity
      : { clusterId: beginning.cluster.clusterId, memberId: beginning.memberId };
  const metadata = { nodeId: identity.memberId, clusterId: identity.clusterId };
  const wal = await Wal.create(config, metadata, os);
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
