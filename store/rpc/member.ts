import type { Log } from "../../base/os/log.ts";
import type { Turns } from "../../base/slices.ts";
import type { AlarmMember } from "../../proto/etcd-maintenance.ts";
import type { Quota } from "../apply/quota.ts";
import type { StateReader } from "../apply/types.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { Passwords } from "../auth/password-thread.ts";
import type { Tokens } from "../auth/tokens.ts";
import type { Consensus } from "../driver/seams.ts";
import type { Downgrade } from "../membership/cluster-version.ts";
import type { Member } from "../membership/member.ts";
import type { LinearizableReads } from "../propose/linearizable-reads.ts";
import type { Proposer } from "../propose/proposer.ts";
import type { MemberId } from "../raft/types.ts";
import type { SlowApplies } from "../slow-applies.ts";
import type { Access } from "./auth/access.ts";
import type { HeaderBytes } from "./header-bytes.ts";
import type { RpcMetrics } from "./metrics.ts";
import type { WatchSource } from "./watch/watch-source.ts";

/** What the services ask of the member they run in. `store/compose.ts` puts it together. */
export interface MemberParts {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** The header of answers, encoded. */
  readonly headerBytes: Pick<HeaderBytes, "at" | "message">;
  readonly limits: RpcLimits;
  readonly state: StateReader;
  readonly quota: Quota;
  readonly access: Access;
  readonly auth: AuthParts;
  readonly consensus: Pick<Consensus, "status" | "transferLeadership" | "onLeadership">;
  readonly proposer: Pick<
    Proposer,
    "propose" | "submit" | "proposeConfChange" | "nextId" | "requestTimeoutMs"
  >;
  readonly reads: Pick<LinearizableReads, "ready" | "whenReady">;
  readonly leases: LeaseBook;
  readonly members: MemberBook;
  /** Asks another member what only it can answer. Rejects with the StoreError it answered, or with that of the connection. */
  readonly ask: (to: MemberId, kind: string, id: bigint, withinMs: number) => Promise<Uint8Array>;
  readonly alarms: () => readonly AlarmMember[];
  readonly watches: WatchSource;
  readonly maintenance: MaintenanceParts;
  /** For what would hold the event loop too long at a stretch. */
  readonly turns: Turns;
  readonly metrics: RpcMetrics;
  readonly slowApplies: SlowApplies;
  readonly clock: {
    monotonicMs(): number;
    wallMs(): number;
    after(delayMs: number, fire: () => void): () => void;
  };
}

/** Users and roles, for the calls about them. */
export interface AuthParts {
  readonly state: AuthState;
  readonly tokens: Tokens;
  readonly passwords: Pick<Passwords, "hash" | "matches">;
  readonly log: Pick<Log, "info" | "warn">;
}

export interface RpcLimits {
  readonly maxTxnOps: number;
  readonly maxRequestBytes: number;
  readonly electionTimeoutMs: number;
  /** Refuse membership changes that would risk the quorum. */
  readonly strictReconfigCheck: boolean;
  readonly maxLearners: number;
}

/** The leases as the leader sees them; on others `renew` and `timeToLive` ask the leader. Throws StoreError. */
export interface LeaseBook {
  /** The seconds left after renewal. `check` is asked right before it takes place, here or on the leader, and may throw. Rejects
   *  with LEASE_NOT_FOUND. */
  renew(id: bigint, check?: () => void): Promise<number>;
  timeToLive(
    id: bigint,
    withKeys: boolean,
  ): Promise<{
    readonly ttlSeconds: number;
    readonly grantedTtlSeconds: number;
    readonly keys: readonly Uint8Array[];
  }>;
  ids(): readonly bigint[];
}

export interface MemberBook {
  all(): readonly Member[];
  /** Whether this member is one. */
  isLearner(): boolean;
  /** What all members speak, like "3.7.0"; empty: not agreed upon yet. */
  readonly clusterVersion: string;
  readonly downgrade: Downgrade;
  /** Whether a connection with the member has stood for at least this long. */
  connectedForMs(id: MemberId): number;
}

export interface MaintenanceParts {
  readonly version: string;
  hash(): Promise<number>;
  hashKv(revision: number): Promise<{
    readonly hash: number;
    readonly compactRevision: number;
    readonly hashRevision: number;
  }>;
  defragment(): Promise<void>;
  /** The whole state as a file, about `sizeBytes` long; ends with the SHA-256 of everything before. */
  snapshot(): { readonly sizeBytes: number; readonly chunks: AsyncIterable<Uint8Array> };
}
