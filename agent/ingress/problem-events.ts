import type { EventRecorder } from "../../client/events.ts";
import type { Ingress } from "../../client/types.ts";

/** Says what is wrong with Ingresses as events on them: each thing once, for as long as it holds. */
export class ProblemEvents {
  readonly #events: Pick<EventRecorder, "record">;
  readonly #isSpeaker: () => boolean;
  /** By uid. */
  readonly #said = new Map<string, { readonly ingress: Ingress; readonly problems: ReadonlySet<string> }>();
  readonly #unsaid = new Set<string>();

  /** @param isSpeaker Every node sees the same; one speaks. */
  constructor(events: Pick<EventRecorder, "record">, isSpeaker: () => boolean) {
    this.#events = events;
    this.#isSpeaker = isSpeaker;
  }

  /** @param problems All that there are now; none: it may be forgotten. */
  report(ingress: Ingress, problems: readonly string[]): void {
    const { uid } = ingress.metadata;
    const before = this.#said.get(uid)?.problems ?? new Set<string>();
    const isHeard = this.#isSpeaker();
    if (isHeard)
      for (const message of problems)
        if (!before.has(message) || this.#unsaid.has(uid)) this.#say(ingress, message);
    if (problems.length === 0) {
      this.#said.delete(uid);
      this.#unsaid.delete(uid);
      return;
    }
    this.#said.set(uid, { ingress, problems: new Set(problems) });
    if (isHeard) this.#unsaid.delete(uid);
    else this.#unsaid.add(uid);
  }

  /** Another node spoke until now. */
  speakerChanged(): void {
    if (!this.#isSpeaker()) return;
    for (const uid of [...this.#unsaid]) {
      const known = this.#said.get(uid);
      for (const message of known?.problems ?? []) if (known !== undefined) this.#say(known.ingress, message);
      this.#unsaid.delete(uid);
    }
  }

  #say(ingress: Ingress, message: string): void {
    this.#events.record(ingress, { type: "Warning", reason: "IngressNotProgrammed", message });
  }
}
