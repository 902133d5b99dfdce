import { serverBusy } from "../api-error.ts";
import { type Asking, noCounts, requestKind, type Seat, type SeatCounts, type Seats } from "./seats.ts";

export interface InFlightLimits {
  readonly readingMax: number;
  readonly mutatingMax: number;
}

/** The bounds without priority and fairness: requests under way are counted, reads and writes apart. Whoever comes beyond is
 *  refused, but for administrators, who must be able to mend what is wrong. What lasts (watches, exec) is not counted. */
export class InFlight implements Seats {
  readonly #limits: InFlightLimits;
  readonly counts: SeatCounts = noCounts();

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  async enter({ info, user }: Pick<Asking, "info" | "user">): Promise<Seat> {
    if (info.resource?.verb === "watch") return { leave: () => {}, end: () => {} };
    const kind = requestKind(info);
    const limit = kind === "readOnly" ? this.#limits.readingMax : this.#limits.mutatingMax;
    if (this.counts.executing[kind] >= limit && !user.groups.includes("system:masters")) throw serverBusy();
    this.counts.executing[kind]++;
    let inside = true;
    const leave = () => {
      if (inside) this.counts.executing[kind]--;
      inside = false;
    };
    return { leave, end: leave };
  }
}
