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
  readonly #later: (act: () => void) => void;
  readonly #report: Report;
  #writes = 0;

  /** `later` lets time pass in which somebody may give a full database room. */
  constructor(
    machines: readonly Machine[],
    parts: { readonly operations: Pick<Operations, "run">; readonly later: (act: () => void) => void },
    report: Report,
  ) {
    this.#machines = machines;
    this.#operations = parts.operations;
    this.#later = parts.later;
    this.#report = report;
  }

  /** Asks each member to write something, each time something else. */
  probe(): readonly Probe[] {
    return this.#machines.map((machine) => {
      const probe: Probe = { member: machine.name, outcome: undefined };
      this.#ask(machine, probe);
      return probe;
    });
  }

  #ask(machine: Machine, probe: Probe): void {
    const request = { key: Buffer.from(`probe-${machine.name}`), value: Buffer.from(`x${++this.#writes}`) };
    const wanted = { kind: "put", request, serializable: false } as const;
    this.#operations.run("probe", machine, wanted).then(
      (outcome) => {
        probe.outcome = outcome;
        if (outcome.kind === "error" && outcome.code === "NO_SPACE")
          this.#later(() => this.#ask(machine, probe));
      },
      (error: unknown) => this.#report("no crash", String(error)),
    );
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
