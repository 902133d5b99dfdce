import type { EventRecorder, EventSubject } from "../../client/events.ts";

/** Something of an object that was left out on this node. */
export interface Problem {
  readonly object: EventSubject & { readonly metadata: { readonly uid: string } };
  readonly message: string;
}

/** Says what was left out of an object as events on it: once, not at every change of some other object. */
export class ProblemReports {
  readonly #events: Pick<EventRecorder, "record">;
  readonly #reason: string;
  #said: ReadonlySet<string> = new Set();

  constructor(events: Pick<EventRecorder, "record">, reason: string) {
    this.#events = events;
    this.#reason = reason;
  }

  update(problems: readonly Problem[]): void {
    const now = new Map(
      problems.map((problem) => [`${problem.object.metadata.uid} ${problem.message}`, problem]),
    );
    for (const [key, { object, message }] of now)
      if (!this.#said.has(key))
        this.#events.record(object, { type: "Warning", reason: this.#reason, message });
    this.#said = new Set(now.keys());
  }
}
