import type { EventRecorder } from "../../client/events.ts";
import type { ServiceProblem } from "./service-plan.ts";

/** Says what was left out of a Service as events on it: once, not at every change of some other Service. */
export class ProblemReports {
  readonly #events: Pick<EventRecorder, "record">;
  #said: ReadonlySet<string> = new Set();

  constructor(events: Pick<EventRecorder, "record">) {
    this.#events = events;
  }

  update(problems: readonly ServiceProblem[]): void {
    const now = new Map(
      problems.map((problem) => [`${problem.service.metadata.uid} ${problem.message}`, problem]),
    );
    for (const [key, { service, message }] of now)
      if (!this.#said.has(key))
        this.#events.record(service, { type: "Warning", reason: "ServiceNotProgrammed", message });
    this.#said = new Set(now.keys());
  }
}
