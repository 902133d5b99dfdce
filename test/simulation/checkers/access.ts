import { isDeepStrictEqual } from "node:util";
import type { Encodable } from "../../../base/protobuf.ts";
import {
  type InternalRaftRequest,
  type RangeRequest,
  rangeRequest,
  txnRequest,
} from "../../../proto/etcd.ts";
import type { StoreErrorCode } from "../../../store/errors.ts";
import { type AuthModel, noAuth, refusedRoot } from "../../model/auth-model.ts";
import { revisionOf } from "../answers.ts";
import type { Committed, CommittedListener, CommittedLog } from "../committed-log.ts";
import type { Operation, Outcome } from "../operation.ts";
import type { Report } from "../report.ts";
import { textOf } from "../text-of.ts";
import { isRead } from "./linearizability.ts";

/** Who asks, as a client shows it to a member. */
export interface Shown {
  readonly user: string;
  /** Undefined: it shows nothing. */
  readonly token: string | undefined;
}

/** The place of its authentication in the log, which every simple token ends with. */
const placeOf = (token: string): number => Number(token.slice(token.lastIndexOf(".") + 1));

/** Nobody reads or writes but with the rights that users and roles give at the place in the log at which that takes effect, and
 *  with a token that holds there; and nobody is refused who had them all the time. What becomes of an entry the model says; here is
 *  said whose entry it may be, and what reads may show. */
export class Access implements CommittedListener {
  #log: CommittedLog | undefined;
  readonly #report: Report;
  readonly #onProved: (index: number) => void;
  /** Where tokens of a user ceased to hold; of all users: an empty name. */
  readonly #forgotten: { readonly index: number; readonly user: string }[] = [];

  /** `onProved` is told how far the log reached when a change of users and roles was answered. */
  constructor(report: Report, onProved: (index: number) => void) {
    this.#report = report;
    this.#onProved = onProved;
  }

  /** The log tells its listeners, and these look into it. */
  set log(log: CommittedLog) {
    this.#log = log;
  }

  committed({ request, entry, answer }: Committed): void {
    if (request === undefined || answer === undefined || "error" in answer) return;
    const { authDisable, authUserDelete, authUserChangePassword } = request;
    const user = authUserDelete?.name ?? authUserChangePassword?.name;
    if (authDisable) this.#forgotten.push({ index: entry.index, user: "" });
    else if (user !== undefined) this.#forgotten.push({ index: entry.index, user });
  }

  /** To be called with what clients were told. `shown` is undefined for who asks in the member's own name. */
  completed(operation: Operation, outcome: Outcome, shown: Shown | undefined): void {
    if (shown === undefined) return;
    const say = (what: string) =>
      this.#report("access", `${textOf(operation)} of ${shown.user || "nobody"} ${what}`);
    if (!isRead(operation)) this.#write(operation, shown, say);
    else if (outcome.kind === "answer") this.#shownTo(operation, revisionOf(outcome.response), shown, say);
    else if (outcome.kind === "error") this.#refused(operation, outcome.code, shown, say);
  }

  /** A watch began: its rights are looked at then and never again, by what its member knows at the time, as in etcd: that is
   *  what it had applied when it was asked, or more. */
  watching(range: Encodable<RangeRequest>, shown: Shown | undefined, applied: number): void {
    if (shown === undefined) return;
    const read = { kind: "range", request: { key: range.key, rangeEnd: range.rangeEnd } } as const;
    const mayRead = (index: number) => this.#refusal(read, shown, index) === undefined;
    if (this.#isAny(applied, this.#log?.lastIndex ?? 0, mayRead)) return;
    this.#report("access", `${shown.user} watches ${textOf(read.request)}, which it may not see`);
  }

  /** An authentication was answered with a token, or refused, of whom was asked when `floor` was answered already. */
  authenticated(
    asked: { readonly user: string; readonly password: string; readonly floor: number },
    outcome: { readonly token: string } | { readonly code: StoreErrorCode },
  ): void {
    const { user, password, floor } = asked;
    const isRight = ({ isOn, users }: AuthModel) =>
      isOn && Buffer.from(users[user]?.password ?? "", "base64").toString() === hashOf(password);
    if ("token" in outcome) {
      const index = placeOf(outcome.token);
      if (index <= floor || !isRight(this.#at(index)))
        this.#report("access", `${user} got the token ${outcome.token} with the password ${password}`);
    } else if (outcome.code === "AUTH_FAILED" && this.#everywhere(floor, isRight))
      this.#report("access", `${user} was refused with the password ${password}, which is right`);
    else if (outcome.code === "AUTH_NOT_ENABLED" && this.#everywhere(floor, ({ isOn }) => isOn))
      this.#report("access", `${user} was told that there are no users`);
  }

  /** A change of users or roles was answered that was asked for when `floor` was answered; tells its place in the log. */
  changed(change: AuthChange, request: object, floor: number): void {
    const { password, ...wanted } = request as { readonly password?: string };
    const kind = kindOf(change);
    for (let index = floor + 1; index <= (this.#log?.lastIndex ?? 0); index++) {
      const { request: logged, answer } = this.#log?.at(index) ?? {};
      const body = logged?.[kind];
      if (body === undefined || answer === undefined || "error" in answer) continue;
      const { password: _, ...there } = body as { readonly password?: string };
      const hashedPassword = Buffer.from(hashOf(password ?? "")).toString("base64");
      const right = password === undefined ? wanted : { ...wanted, hashedPassword };
      if (!isDeepStrictEqual(plain(there), plain(right))) continue;
      this.#onProved(index);
      return;
    }
    this.#report(
      "access",
      `${change} ${textOf(request)} was answered, but is not in the log after entry ${floor}`,
    );
  }

  /** What is in the log is there in the name of who asked. */
  #write({ id, kind }: Operation, shown: Shown, say: (what: string) => void): void {
    const committed = this.#log?.of(id);
    if (committed === undefined) return;
    const { index } = committed.entry;
    const username = committed.request?.header?.username ?? "";
    if (username !== "" && (username !== shown.user || shown.token === undefined))
      say(`is in the log as of ${username}`);
    const isDone = committed.answer !== undefined && !("error" in committed.answer);
    if (!isDone) return;
    const mayCompact = (at: number) => this.#mayAsRoot(shown, at);
    const isRight =
      kind === "compact"
        ? this.#isAny(0, index - 1, mayCompact)
        : !this.#at(index - 1).isOn || (username !== "" && this.#holds(shown, index));
    if (!isRight) say(`took effect at entry ${index}, which it may not`);
  }

  /** That it is for root is looked at before it enters the log, by what the member knows that is asked. */
  #mayAsRoot(shown: Shown, index: number): boolean {
    const auth = this.#at(index);
    return (
      !auth.isOn ||
      (this.#holds(shown, index) &&
        refusedRoot(auth, { name: shown.user, revision: auth.revision }) === undefined)
    );
  }

  /** A read shows what stood between two entries: there must be one at which it might. */
  #shownTo(operation: Operation, revision: number, shown: Shown, say: (what: string) => void): void {
    const indexes = this.#log?.indexesOf(revision);
    if (indexes === undefined) return; // reported by others
    const first = operation.serializable ? indexes.first : Math.max(indexes.first, operation.floor);
    if (this.#isAny(first, indexes.last, (index) => this.#refusal(operation, shown, index) === undefined))
      return;
    say(`was shown revision ${revision}, entries ${first} to ${indexes.last}, which it may not see`);
  }

  #refused(operation: Operation, code: StoreErrorCode, shown: Shown, say: (what: string) => void): void {
    if (code !== "PERMISSION_DENIED" && code !== "USER_EMPTY") return;
    const last = this.#log?.lastIndex ?? 0;
    const first = operation.serializable ? 0 : operation.floor;
    if (this.#isAny(first, last, (index) => this.#refusal(operation, shown, index) === code)) return;
    say(`was refused with ${code}, for which there was no reason from entry ${first} to ${last}`);
  }

  /** Why who asks may not read right after an entry. */
  #refusal(
    { kind, request }: Pick<Operation, "kind" | "request">,
    shown: Shown,
    index: number,
  ): StoreErrorCode | undefined {
    const auth = this.#at(index);
    if (!auth.isOn) return undefined;
    if (shown.token === undefined) return "USER_EMPTY";
    if (!this.#holds(shown, index)) return "INVALID_AUTH_TOKEN";
    const read =
      kind === "range"
        ? { range: rangeRequest.decode(rangeRequest.encode(request)) }
        : { txn: txnRequest.decode(txnRequest.encode(request)) };
    return this.#log?.model.refused(read, { name: shown.user, revision: auth.revision }, auth);
  }

  #holds({ token, user }: Shown, index: number): boolean {
    if (token === undefined) return false;
    const place = placeOf(token);
    const isGone = (one: { readonly index: number; readonly user: string }) =>
      one.index > place && one.index <= index && (one.user === "" || one.user === user);
    return place <= index && !this.#forgotten.some(isGone);
  }

  /** Whether something was so all the time from an entry on. */
  #everywhere(from: number, holds: (auth: AuthModel) => boolean): boolean {
    return !this.#isAny(from, this.#log?.lastIndex ?? 0, (index) => !holds(this.#at(index)));
  }

  #isAny(first: number, last: number, holds: (index: number) => boolean): boolean {
    for (let index = first; index <= last; index++) if (holds(index)) return true;
    return false;
  }

  #at(index: number): AuthModel {
    return this.#log?.at(index)?.auth ?? noAuth;
  }
}

export type AuthChange =
  | "authEnable"
  | "authDisable"
  | "userAdd"
  | "userDelete"
  | "userChangePassword"
  | "userGrantRole"
  | "userRevokeRole"
  | "roleAdd"
  | "roleGrantPermission"
  | "roleRevokePermission";

/** As the log names it. */
const kindOf = (change: AuthChange): keyof InternalRaftRequest =>
  (/^auth/.test(change)
    ? change
    : `auth${change[0]?.toUpperCase()}${change.slice(1)}`) as keyof InternalRaftRequest;

/** Bytes as text, so that it makes no difference whose memory they are in. */
const plain = (body: object): unknown =>
  JSON.parse(
    JSON.stringify(body, (_, part: unknown) =>
      part instanceof Uint8Array ? Buffer.from(part).toString("latin1") : part,
    ),
  );

/** What simulated members make of a password in place of bcrypt. */
export const hashOf = (password: string): string => `hash of ${password}`;
