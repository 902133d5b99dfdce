import { text, utf8 } from "../../base/wire.ts";
import type {
  ClusterMemberAttrSetRequest,
  ClusterVersionSetRequest,
  DowngradeInfoSetRequest,
} from "../../proto/etcd.ts";
import type { MembershipRows, MembershipState } from "../apply/membership-seam.ts";
import { StoreError } from "../errors.ts";
import type { ConfChange, ConfState, MemberId } from "../raft/types.ts";
import { type Downgrade, noDowngrade } from "./cluster-version.ts";
import { type Member, memberJson, readMemberJson } from "./member.ts";

export interface MembershipEvents {
  /** After every membership change and after a restore. */
  readonly onMembers: (members: readonly Member[]) => void;
  /** A change was made, in etcd's words. */
  readonly onMade?: (what: MadeChange, member: Member) => void;
  /** A change came out of the log; with the reason when it was void. */
  readonly onConfChange: (id: bigint, refused: StoreError | undefined) => void;
  /** The version that the cluster agreed on, when the log set it and after a restore. */
  readonly onClusterVersion?: (version: string) => void;
}

export type MadeChange = "added member" | "removed member" | "promote member" | "updated member";

const versionKey = "clusterVersion";
const downgradeKey = "downgrade";
const removedValue = utf8("removed");
type Rows = Parameters<MembershipState["restore"]>[0];
const rowKey = (id: MemberId) => id.toString(16);

/** The members as the log made them. A change that no longer fits (its like came first) is void on every member alike. */
export class ClusterMembers implements MembershipState {
  readonly #events: MembershipEvents;
  readonly #members = new Map<MemberId, Member>();
  readonly #removed = new Set<MemberId>();
  #version = "";
  #downgrade = noDowngrade;
  #hasLearners = false;

  constructor(events: MembershipEvents) {
    this.#events = events;
  }

  /** In order of their ids. */
  all(): readonly Member[] {
    return [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  get(id: MemberId): Member | undefined {
    return this.#members.get(id);
  }

  /** Costs nothing where there are none. */
  isLearner(id: MemberId): boolean {
    return this.#hasLearners && this.#members.get(id)?.isLearner === true;
  }

  isRemoved(id: MemberId): boolean {
    return this.#removed.has(id);
  }

  /** Empty until the leader has set it. */
  get clusterVersion(): string {
    return this.#version;
  }

  get downgrade(): Downgrade {
    return this.#downgrade;
  }

  check(rows: Rows): void {
    readRows(rows);
  }

  restore(rows: Rows): void {
    const { members, removed, version, downgrade } = readRows(rows);
    this.#members.clear();
    this.#removed.clear();
    for (const member of members) this.#members.set(member.id, member);
    for (const id of removed) this.#removed.add(id);
    this.#version = version;
    this.#downgrade = downgrade;
    this.#changed();
    if (version !== "") this.#events.onClusterVersion?.(version);
  }

  applyConfChange(change: ConfChange, _at: object, rows: MembershipRows): ConfState {
    const refused = this.#problem(change);
    if (refused === undefined) {
      this.#apply(change, rows);
      this.#changed();
    }
    this.#events.onConfChange(change.id, refused);
    return this.#confState();
  }

  setAttributes(request: ClusterMemberAttrSetRequest, rows: MembershipRows): void {
    const member = this.#members.get(request.memberId);
    if (member === undefined) return; // removed meanwhile
    const { name = "", clientUrls = [] } = request.memberAttributes ?? {};
    this.#save({ ...member, name, clientUrls }, rows);
    this.#changed();
  }

  setClusterVersion(request: ClusterVersionSetRequest, rows: MembershipRows): void {
    this.#version = request.ver;
    rows.put("cluster", versionKey, utf8(request.ver));
    this.#events.onClusterVersion?.(request.ver);
  }

  setDowngrade({ enabled, ver }: DowngradeInfoSetRequest, rows: MembershipRows): void {
    this.#downgrade = enabled ? { enabled, targetVersion: ver } : noDowngrade;
    rows.put("cluster", downgradeKey, downgradeJson(this.#downgrade));
  }

  #problem(change: ConfChange): StoreError | undefined {
    const known = this.#members.get(change.nodeId);
    if (this.#removed.has(change.nodeId)) return new StoreError("MEMBER_NOT_FOUND");
    if (change.type === "removeNode" || change.type === "updateNode") {
      if (known === undefined) return new StoreError("MEMBER_NOT_FOUND");
      // Two were asked for at once, and each was right as long as the other was not made.
      const wouldEnd = change.type === "removeNode" && this.#isLastVoter(known);
      return wouldEnd ? new StoreError("MEMBER_NOT_ENOUGH_STARTED") : undefined;
    }
    const { peerUrls, isPromote } = readMemberJson(change.context);
    if (isPromote) {
      if (known === undefined) return new StoreError("MEMBER_NOT_FOUND");
      return known.isLearner ? undefined : new StoreError("MEMBER_NOT_LEARNER");
    }
    if (known !== undefined) return new StoreError("MEMBER_EXISTS");
    const taken = new Set([...this.#members.values()].flatMap((member) => member.peerUrls));
    return peerUrls.some((url) => taken.has(url)) ? new StoreError("PEER_URL_EXISTS") : undefined;
  }

  #isLastVoter({ id, isLearner }: Member): boolean {
    return !isLearner && ![...this.#members.values()].some((one) => one.id !== id && !one.isLearner);
  }

  #apply(change: ConfChange, rows: MembershipRows): void {
    const id = change.nodeId;
    const known = this.#members.get(id);
    if (change.type === "removeNode") {
      if (known !== undefined) this.#events.onMade?.("removed member", known);
      this.#members.delete(id);
      this.#removed.add(id);
      rows.delete("members", rowKey(id));
      rows.put("members_removed", rowKey(id), removedValue);
      return;
    }
    const { isPromote, ...given } = readMemberJson(change.context);
    const make = (what: MadeChange, member: Member) => {
      this.#save(member, rows);
      this.#events.onMade?.(what, member);
    };
    if (known !== undefined && isPromote) make("promote member", { ...known, isLearner: false });
    else if (known !== undefined) make("updated member", { ...known, peerUrls: given.peerUrls });
    else make("added member", { ...given, id, isLearner: change.type === "addLearner" });
  }

  #save(member: Member, rows: MembershipRows): void {
    this.#members.set(member.id, member);
    rows.put("members", rowKey(member.id), memberJson(member));
  }

  #changed(): void {
    const all = this.all();
    this.#hasLearners = all.some((member) => member.isLearner);
    this.#events.onMembers(all);
  }

  #confState(): ConfState {
    const all = this.all();
    const ids = (learner: boolean) =>
      all.filter((member) => member.isLearner === learner).map((member) => member.id);
    return { voters: ids(false), learners: ids(true) };
  }
}

function readRows(rows: Rows) {
  const members = rows.members.map(({ value }): Member => {
    const { isPromote: _, ...member } = readMemberJson(value);
    return member;
  });
  const removed = rows.members_removed.map(({ key }) => BigInt(`0x${key}`));
  const rowOf = (name: string) => rows.cluster.find(({ key }) => key === name)?.value;
  const version = rowOf(versionKey);
  const downgrade = readDowngrade(rowOf(downgradeKey));
  return { members, removed, version: version === undefined ? "" : text(version), downgrade };
}

/** As etcd writes it. */
const downgradeJson = ({ targetVersion, enabled }: Downgrade): Uint8Array =>
  utf8(JSON.stringify({ "target-version": targetVersion, enabled }));

function readDowngrade(json: Uint8Array | undefined): Downgrade {
  if (json === undefined) return noDowngrade;
  const said: { "target-version"?: unknown; enabled?: unknown } = JSON.parse(text(json));
  return said.enabled === true
    ? { enabled: true, targetVersion: String(said["target-version"]) }
    : noDowngrade;
}
