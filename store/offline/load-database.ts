import { type LoadedState, loadState } from "../apply/state.ts";
import type { Backend, StoredRevisions } from "../backend/backend.ts";
import { StoreError } from "../errors.ts";
import { ClusterMembers } from "../membership/membership-state.ts";
import { hashKeyValues, type KeyValueHash } from "../mvcc/hash.ts";
import type { RestoredMvcc } from "../mvcc/restore.ts";

/** What a database holds, for people. */
export interface FoundState {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly keys: number;
  readonly leases: number;
  readonly members: number;
  readonly clusterVersion: string;
  /** HashKV at the newest revision. */
  readonly hash: number;
}

/** Reads everything as a member does that starts. Rejects when there is anything that it could not take. */
export async function loadDatabase(backend: Backend): Promise<FoundState> {
  const loaded = await readState(backend);
  const { mvcc, at, leases, rows } = loaded;
  const { hash } = await hashState(loaded, 0);
  const version = rows.cluster.find(({ key }) => key === "clusterVersion")?.value;
  return {
    appliedIndex: at.index,
    appliedTerm: at.term,
    revision: mvcc.revision,
    compactRevision: mvcc.compactRevision,
    keys: mvcc.index.living,
    leases: leases.length,
    members: rows.members.length,
    clusterVersion: version === undefined ? "" : Buffer.from(version).toString(),
    hash,
  };
}

export function readState(backend: Backend): Promise<LoadedState> {
  const membership = new ClusterMembers({ onMembers: () => undefined, onConfChange: () => undefined });
  return loadState(backend, { membership });
}

/** HashKV at a revision (0: the newest). Rejects with StoreError. */
export function hashState(
  { mvcc }: { readonly mvcc: RestoredMvcc<StoredRevisions> },
  revision: number,
): Promise<KeyValueHash> {
  const checkRevision = (asked: number) => {
    if (asked > mvcc.revision) throw new StoreError("FUTURE_REVISION");
    if (asked > 0 && asked < mvcc.compactRevision) throw new StoreError("COMPACTED");
  };
  return hashKeyValues({ ...mvcc, checkRevision, pause: async () => undefined }, revision);
}
