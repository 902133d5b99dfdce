import { isDeepStrictEqual } from "node:util";
import { answerOf, comparable, revisionOf } from "../answers.ts";
import type { CommittedLog } from "../committed-log.ts";
import type { Operation, Outcome } from "../operation.ts";
import type { Report } from "../report.ts";
import { textOf } from "../text-of.ts";
import { readAnswer } from "./linearizability.ts";

/** A serializable read shows some state that once was, and for one client at one life of a member never an older one than
 *  before. */
export class SerializableReads {
  readonly #committed: CommittedLog;
  readonly #report: Report;
  readonly #sessions = new WeakMap<object, Map<string, number>>();

  constructor(committed: CommittedLog, report: Report) {
    this.#committed = committed;
    this.#report = report;
  }

  completed(operation: Operation, outcome: Outcome): void {
    const say = (what: string) => this.#report("serializable reads", `${textOf(operation)} ${what}`);
    const wanted = (operation.request as { readonly revision?: number }).revision ?? 0;
    const { model } = this.#committed;
    if (outcome.kind === "error" && outcome.code === "COMPACTED" && wanted >= model.compactRevision)
      say(`was refused as compacted, but ${model.compactRevision} is the compact revision`);
    if (outcome.kind !== "answer") return;
    const revision = revisionOf(outcome.response);
    if (this.#committed.indexesOf(revision) === undefined) {
      say(`answered from revision ${revision}, which was never reached`);
      return;
    }
    const right = readAnswer(this.#committed, operation, revision, -1);
    const given = comparable(answerOf(operation.kind, outcome.response));
    if (!isDeepStrictEqual(given, right))
      say(`was answered ${textOf(given)}, where ${textOf(right)} is right`);
    this.#session(operation, revision, say);
  }

  #session({ life, client }: Operation, revision: number, say: (what: string) => void): void {
    if (life === undefined) return;
    let clients = this.#sessions.get(life);
    if (clients === undefined) {
      clients = new Map();
      this.#sessions.set(life, clients);
    }
    const before = clients.get(client) ?? 0;
    if (revision < before) say(`shows revision ${revision} to a client that has seen ${before} there`);
    clients.set(client, Math.max(before, revision));
  }
}
