import { chance, type Random } from "../../base/os/random.ts";
import { revisionOf } from "./answers.ts";
import type { Calls } from "./calls.ts";
import type { Access } from "./checkers/access.ts";
import type { AppliedOnce } from "./checkers/applied-once.ts";
import type { BoundedWrites } from "./checkers/bounded-writes.ts";
import type { ClientHistories } from "./checkers/client-histories.ts";
import { isRead, type Linearizability } from "./checkers/linearizability.ts";
import type { SerializableReads } from "./checkers/serializable.ts";
import { callOf, type Session } from "./clients/session.ts";
import type { Wanted } from "./clients/workload.ts";
import { marker } from "./committed-log.ts";
import type { EventLog } from "./event-log.ts";
import type { Machine } from "./machine.ts";
import { methodOf, type Operation, type Outcome } from "./operation.ts";
import { textOf } from "./text-of.ts";

/** Longer than the store keeps anybody waiting, so that members have to answer. */
const longestMs = (electionMs: number): number => Math.max(12_000, 8_000 + 2 * electionMs);

/** Everything that clients asked for and were answered, handed to the checkers in the order of the answers. */
export class Operations {
  readonly #calls: Calls;
  readonly #events: EventLog;
  readonly #random: Random;
  readonly #linearizability: Linearizability;
  readonly #serializable: SerializableReads;
  readonly #appliedOnce: AppliedOnce;
  readonly #histories: ClientHistories;
  readonly #bounded: BoundedWrites;
  readonly #access: Access;
  readonly #nowMs: () => number;
  readonly #knowledge: { revision: number };
  readonly #longestMs: number;
  #last = 0;
  /** Operations by how they ended. */
  readonly counts = { answer: 0, error: 0, refused: 0, lost: 0 };

  constructor(parts: {
    readonly calls: Calls;
    readonly events: EventLog;
    readonly random: Random;
    readonly linearizability: Linearizability;
    readonly serializable: SerializableReads;
    readonly appliedOnce: AppliedOnce;
    readonly histories: ClientHistories;
    readonly bounded: BoundedWrites;
    readonly access: Access;
    readonly nowMs: () => number;
    readonly knowledge: { revision: number };
    readonly electionMs: number;
  }) {
    this.#longestMs = longestMs(parts.electionMs);
    this.#appliedOnce = parts.appliedOnce;
    this.#calls = parts.calls;
    this.#events = parts.events;
    this.#random = parts.random;
    this.#linearizability = parts.linearizability;
    this.#serializable = parts.serializable;
    this.#histories = parts.histories;
    this.#bounded = parts.bounded;
    this.#access = parts.access;
    this.#nowMs = parts.nowMs;
    this.#knowledge = parts.knowledge;
  }

  async run(client: string, machine: Machine, wanted: Wanted, session?: Session): Promise<Outcome> {
    const id = ++this.#last;
    const { kind, request, serializable } = wanted;
    const method = methodOf(kind);
    const bytes = Buffer.concat([method.request.encode(request), marker.encode({ operation: id })]);
    const { floor } = this.#linearizability;
    this.#events.add(`${client} asks ${machine.name} #${id} ${kind} ${textOf(request)}`);
    // Some clients lose patience early; the store may do it all the same.
    const isHasty = client !== "probe" && chance(this.#random, 0.05);
    this.#appliedOnce.asked(wanted);
    const patienceMs = isHasty ? 50 : this.#longestMs;
    const startMs = this.#nowMs();
    if (!isRead({ kind, request })) this.#bounded.asked(id, machine, startMs);
    const shown = session?.shown;
    const call = callOf(shown);
    const { outcome, life } = await this.#calls.unary(machine, method, bytes, patienceMs, call);
    session?.told(outcome);
    this.counts[outcome.kind]++;
    const told = outcome.kind === "answer" ? `answer r${revisionOf(outcome.response)}` : textOf(outcome);
    this.#events.add(`${client} gets #${id} ${told}`);
    const operation: Operation = { id, client, kind, request, serializable, life, floor };
    this.#bounded.answered(id);
    this.#appliedOnce.told(operation, outcome);
    this.#histories.told(operation, outcome, { startMs, endMs: this.#nowMs() });
    this.#access.completed(operation, outcome, shown);
    if (serializable) this.#serializable.completed(operation, outcome);
    else this.#linearizability.completed(operation, outcome);
    if (outcome.kind === "answer")
      this.#knowledge.revision = Math.max(this.#knowledge.revision, revisionOf(outcome.response));
    return outcome;
  }
}
