import type { Machine } from "../machine.ts";
import type { Outcome } from "../operation.ts";
import type { Operations } from "../operations.ts";
import type { Report } from "../report.ts";

export interface Probe {
  readonly member: string;
  outcome: Outcome | undefined;
}

/** Once everything works, every member serves writes and all end up with everything. */
export class Progress {
  readonly #machines: readonly Machine[];
  readonly #operations: Pick<Operations, "run">;
  readonly #report: Report;

  constructor(machines: readonly Machine[], operations: Pick<Operations, "run">, report: Report) {
    this.#machines = machines;
    this.#operations = operations;
    this.#report = report;
  }

  /** Asks each member to write something. */
  probe(): readonly Probe[] {
    return this.#machines.map((machine) => {
      const probe: Probe = { member: machine.name, outcome: undefined };
      const request = { key: Buffer.from(`probe-${machine.name}`), value: Buffer.from("x") };
      const wanted = { kind: "put", request, serializable: false } as const;
      this.#operations.run("probe", machine, wanted).then(
        (outcome) => {
          probe.outcome = outcome;
        },
        (error: unknown) => this.#report("no crash", String(error)),
      );
      return probe;
    });
  }

  finished(probes: readonly Probe[], lastIndex: number): void {
    for (const { member, outcome } of probes)
      if (outcome?.kind !== "answer")
        this.#report("progress", `${member} does not take writes: ${outcome?.kind ?? "no answer"}`);
    for (const { name, life } of this.#machines) {
      const applied = life?.member?.state.appliedIndex ?? 0;
      if (applied < lastIndex) this.#report("progress", `${name} is at entry ${applied} of ${lastIndex}`);
    }
  }
}
