import type {
  ClusterMemberAttrSetRequest,
  ClusterVersionSetRequest,
  DowngradeInfoSetRequest,
} from "../../proto/etcd.ts";
import type { Row } from "../backend/backend.ts";
import type { ConfChange, ConfState, Index, Term } from "../raft/types.ts";

type MembershipBucket = "members" | "members_removed" | "cluster";

/** Where members are kept: rows in the same atomic batch as the applied index. */
export interface MembershipRows {
  put(bucket: MembershipBucket, key: string, value: Uint8Array): void;
  delete(bucket: MembershipBucket, key: string): void;
}

/** What the apply stage needs of membership. `store/membership` implements it. All synchronous; the rows passed in belong
 *  to the entry being applied. */
export interface MembershipState {
  /** Throws when these rows are none that `restore` can take. */
  check(rows: Readonly<Record<MembershipBucket, readonly Row[]>>): void;
  /** At start, and whenever a received snapshot replaced the state: forget everything, take these. */
  restore(rows: Readonly<Record<MembershipBucket, readonly Row[]>>): void;
  /** The configuration after the change. */
  applyConfChange(
    change: ConfChange,
    at: { readonly index: Index; readonly term: Term },
    rows: MembershipRows,
  ): ConfState;
  setAttributes(request: ClusterMemberAttrSetRequest, rows: MembershipRows): void;
  setClusterVersion(request: ClusterVersionSetRequest, rows: MembershipRows): void;
  setDowngrade(request: DowngradeInfoSetRequest, rows: MembershipRows): void;
}
