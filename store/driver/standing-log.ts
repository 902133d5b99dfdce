import type { Log } from "../../base/os/log.ts";
import type { MemberId, SoftState, Term } from "../raft/types.ts";

type Standing = SoftState & { readonly term: Term };

const shown = (id: MemberId) => id.toString(16);
const roleNames: Readonly<Partial<Record<string, string>>> = { preCandidate: "pre-candidate" };

/** Says what became of a member in its cluster, in the words of etcd's raft, which operators look for. */
export class StandingLog {
  readonly #id: MemberId;
  readonly #log: Log;
  #role: Standing["role"] = "follower";
  #leader: MemberId = 0n;

  constructor(id: MemberId, log: Log) {
    this.#id = id;
    this.#log = log;
  }

  tell({ role, leader, term }: Standing): void {
    if (role !== this.#role)
      this.#log.info(`${shown(this.#id)} became ${roleNames[role] ?? role} at term ${term}`);
    this.#role = role;
    if (leader === this.#leader) return;
    this.#log.info(`raft.node: ${shown(this.#id)} ${this.#leaderText(leader)} at term ${term}`);
    this.#leader = leader;
  }

  #leaderText(leader: MemberId): string {
    if (leader === 0n) return `lost leader ${shown(this.#leader)}`;
    if (this.#leader === 0n) return `elected leader ${shown(leader)}`;
    return `changed leader from ${shown(this.#leader)} to ${shown(leader)}`;
  }
}
