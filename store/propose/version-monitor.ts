import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Consensus } from "../driver/seams.ts";
import {
  type Downgrade,
  decidedVersion,
  isDowngraded,
  parseVersion,
  shortVersion,
  type Version,
  versionText,
} from "../membership/cluster-version.ts";
import type { MemberId } from "../raft/types.ts";
import type { Proposer } from "./proposer.ts";

/** etcd's time between two looks. */
export const versionMonitorMs = 5_000;

export interface VersionMonitorParts {
  readonly memberId: MemberId;
  /** Of this member's program. */
  readonly version: string;
  readonly members: {
    ids(): readonly MemberId[];
    /** Empty: none was agreed upon yet. */
    readonly clusterVersion: string;
    readonly downgrade: Downgrade;
  };
  /** Of another member's program; rejects where it cannot be asked. */
  readonly versionOf: (member: MemberId) => Promise<string>;
  readonly proposer: Pick<Proposer, "propose">;
  readonly consensus: Pick<Consensus, "status" | "onLeadership">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where this member leads, has the cluster agree on the newest version that all members speak: as soon as it leads, and every
 *  few seconds. A downgrade that is through it ends. */
export class VersionMonitor {
  readonly #parts: VersionMonitorParts;
  readonly #downgradeCheckMs: number;
  readonly #stopListening: () => void;
  #stopTimer: (() => void) | undefined;
  #stopDowngradeTimer: (() => void) | undefined;
  #leadsIn = 0;

  /** @param options.downgradeCheckMs 0: a downgrade ends only when it is cancelled. */
  constructor(options: { readonly downgradeCheckMs: number }, parts: VersionMonitorParts) {
    this.#parts = parts;
    this.#downgradeCheckMs = options.downgradeCheckMs;
    this.#stopListening = parts.consensus.onLeadership(() => this.#changed());
    this.#changed();
  }

  stop(): void {
    this.#stopListening();
    this.#rest();
  }

  #changed(): void {
    const { role, term } = this.#parts.consensus.status;
    if (role !== "leader") this.#rest();
    else if (this.#leadsIn !== term) {
      this.#rest();
      this.#leadsIn = term;
      void this.#look(term);
      if (this.#downgradeCheckMs > 0) this.#waitForDowngrade(term);
    }
  }

  #rest(): void {
    this.#leadsIn = 0;
    this.#stopTimer?.();
    this.#stopDowngradeTimer?.();
  }

  /** Never rejects: what failed is looked at again. */
  async #look(term: number): Promise<void> {
    const { members, proposer, log } = this.#parts;
    try {
      const clusterVersion = parseVersion(members.clusterVersion);
      const view = { clusterVersion, members: await this.#versions(), downgrade: members.downgrade };
      const decided = this.#leadsIn === term ? decidedVersion(view) : undefined;
      if (decided !== undefined) {
        const ver = versionText(decided);
        await proposer.propose("clusterVersionSet", { ver }, { onlyIn: term });
        log.info("cluster version is updated", { "cluster-version": shortVersion(ver) });
      }
    } catch (error) {
      if (this.#leadsIn === term) log.warn("failed to update cluster version", { error });
    }
    if (this.#leadsIn !== term) return;
    this.#stopTimer = this.#parts.clock.after(versionMonitorMs, () => void this.#look(term));
  }

  #waitForDowngrade(term: number): void {
    this.#stopDowngradeTimer = this.#parts.clock.after(
      this.#downgradeCheckMs,
      () => void this.#endDowngrade(term),
    );
  }

  /** Never rejects. */
  async #endDowngrade(term: number): Promise<void> {
    const { members, proposer, log } = this.#parts;
    const { downgrade } = members;
    try {
      if (downgrade.enabled && isDowngraded({ members: await this.#versions(), downgrade })) {
        log.info("the cluster has been downgraded", { "cluster-version": downgrade.targetVersion });
        await proposer.propose("downgradeInfoSet", { enabled: false, ver: "" }, { onlyIn: term });
      }
    } catch (error) {
      log.warn("failed to cancel downgrade", { error });
    }
    if (this.#leadsIn === term) this.#waitForDowngrade(term);
  }

  #versions(): Promise<readonly (Version | undefined)[]> {
    const { memberId, version, members, versionOf, log } = this.#parts;
    const asked = members.ids().map(async (id) => {
      if (id === memberId) return parseVersion(version);
      try {
        const told = await versionOf(id);
        const parsed = parseVersion(told);
        if (parsed === undefined)
          log.warn("failed to parse server version of remote member", {
            "remote-member-id": id,
            "remote-member-version": told,
          });
        return parsed;
      } catch (error) {
        log.warn("failed to get version", { "remote-member-id": id, error });
        return undefined;
      }
    });
    return Promise.all(asked);
  }
}
