import type { Committed, CommittedListener } from "../committed-log.ts";
import type { Report } from "../report.ts";

/** Members that compare what they hold find no difference. */
export class NoCorruption implements CommittedListener {
  readonly #nameOf: (member: bigint) => string;
  readonly #report: Report;

  constructor(nameOf: (member: bigint) => string, report: Report) {
    this.#nameOf = nameOf;
    this.#report = report;
  }

  committed({ request }: Committed): void {
    if (request?.alarm?.alarm !== "CORRUPT" || request.alarm.action !== "ACTIVATE") return;
    this.#report("no corruption", `the members accuse ${this.#nameOf(request.alarm.memberId)}`);
  }
}
