import { isDeepStrictEqual } from "node:util";
import { rangeRequest, txnRequest } from "../../../proto/etcd.ts";
import type { StoreErrorCode } from "../../../store/errors.ts";
import type { ModelAnswer } from "../../model/etcd-model.ts";
import { answerOf, comparable, revisionOf } from "../answers.ts";
import type { CommittedLog } from "../committed-log.ts";
import { methodOf, type Operation, type Outcome } from "../operation.ts";
import type { Report } from "../report.ts";
import { textOf } from "../text-of.ts";

/** Errors that applying a request answers; all others leave open what happened. */
const outcomes: ReadonlySet<StoreErrorCode> = new Set([
  "KEY_NOT_FOUND",
  "COMPACTED",
  "FUTURE_REVISION",
  "LEASE_NOT_FOUND",
  "LEASE_EXISTS",
]);
/** The same for writes of keys, whose rights are looked at when they are applied. */
const refusals: ReadonlySet<StoreErrorCode> = new Set([
  "PERMISSION_DENIED",
  "AUTH_OLD_REVISION",
  "USER_EMPTY",
]);
const writesOfKeys: ReadonlySet<Operation["kind"]> = new Set(["put", "deleteRange", "txn"]);

/** Every answered operation has one place in the order of the log, agrees there with the model, and comes after all that was
 *  answered before it began. The revision in the answers is the witness, so nothing has to be searched. */
export class Linearizability {
  readonly #committed: CommittedLog;
  readonly #report: Report;
  /** The furthest place in the log that an answer has proved. */
  floor = 0;

  constructor(committed: CommittedLog, report: Report) {
    this.#committed = committed;
    this.#report = report;
  }

  /** Somebody was answered when the log had come so far. */
  proved(index: number): void {
    this.floor = Math.max(this.floor, index);
  }

  /** To be called in the order in which answers reach the clients. Serializable reads do not belong here. */
  completed(operation: Operation, outcome: Outcome): void {
    if (outcome.kind === "refused" || outcome.kind === "lost") return;
    if (outcome.kind === "error" && !outcomes.has(outcome.code)) {
      const isApplied = refusals.has(outcome.code) && writesOfKeys.has(operation.kind) && !isRead(operation);
      if (!isApplied) return;
    }
    if (isRead(operation)) this.#read(operation, outcome);
    else this.#write(operation, outcome);
  }

  #write(operation: Operation, outcome: Outcome): void {
    const committed = this.#committed.of(operation.id);
    const say = (property: string, what: string) => this.#report(property, `${textOf(operation)} ${what}`);
    if (committed?.answer === undefined) {
      say("acknowledged writes survive", `was answered ${textOf(outcome)}, but is not in the log`);
      return;
    }
    const { index } = committed.entry;
    if (index <= operation.floor)
      say("linearizability", `is entry ${index}, though ${operation.floor} was answered before it began`);
    const wanted = comparable(committed.answer);
    const given = givenAnswer(operation, outcome);
    if (!isDeepStrictEqual(given, wanted))
      say(
        "linearizability",
        `was answered ${textOf(given)}, where ${textOf(wanted)} is right at entry ${index}`,
      );
    this.floor = Math.max(this.floor, index);
  }

  #read(operation: Operation, outcome: Outcome): void {
    const say = (what: string) => this.#report("linearizability", `${textOf(operation)} ${what}`);
    if (outcome.kind === "error") {
      this.#readError(operation, outcome.code, say);
      return;
    }
    if (outcome.kind !== "answer") return;
    const revision = revisionOf(outcome.response);
    const indexes = this.#committed.indexesOf(revision);
    if (indexes === undefined) {
      say(`answered from revision ${revision}, which was never reached`);
      return;
    }
    if (indexes.last < operation.floor) {
      say(
        `answered from revision ${revision} (entries ${indexes.first}-${indexes.last}), though ${operation.floor} was answered before it began`,
      );
    }
    const compacted = this.#committed.compactRevisionAt(operation.floor);
    const wanted = readAnswer(this.#committed, operation, revision, compacted);
    const given = givenAnswer(operation, outcome);
    if (!isDeepStrictEqual(given, wanted))
      say(`was answered ${textOf(given)}, where ${textOf(wanted)} is right`);
    this.floor = Math.max(this.floor, indexes.first);
  }

  /** A read of a certain revision may be refused only if that was compacted by now, or not reached when it began. */
  #readError(operation: Operation, code: StoreErrorCode, say: (what: string) => void): void {
    const wanted = (operation.request as { readonly revision?: number }).revision ?? 0;
    const { model } = this.#committed;
    if (code === "COMPACTED" && wanted >= model.compactRevision)
      say(`was refused as compacted, but ${model.compactRevision} is the compact revision`);
    if (code === "FUTURE_REVISION" && wanted <= this.#committed.revisionAt(operation.floor))
      say("was refused as in the future, but that revision was answered before it began");
  }
}

export function isRead({ kind, request }: Pick<Operation, "kind" | "request">): boolean {
  if (kind === "range") return true;
  if (kind !== "txn") return false;
  const { success, failure } = txnRequest.decode(txnRequest.encode(request));
  return [...success, ...failure].every((op) => op.requestRange !== undefined);
}

/** What a read must be answered when the store is at `revision`. */
export function readAnswer(
  committed: CommittedLog,
  { kind, request }: Operation,
  revision: number,
  compactRevision: number,
): ModelAnswer {
  const then = committed.model.asOf(revision, compactRevision);
  if (kind === "range") return then.apply({ range: rangeRequest.decode(rangeRequest.encode(request)) });
  return comparable(then.apply({ txn: txnRequest.decode(txnRequest.encode(request)) }));
}

function givenAnswer({ kind }: Operation, outcome: Outcome): ModelAnswer {
  if (outcome.kind === "answer") return comparable(answerOf(kind, outcome.response));
  if (outcome.kind === "error") return { error: outcome.code };
  throw new Error(`${methodOf(kind).path} was not answered`);
}
