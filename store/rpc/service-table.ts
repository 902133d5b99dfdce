import type { Encodable } from "../../base/protobuf.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { StoreError } from "../errors.ts";
import * as auth from "./auth/without-users.ts";
import { memberAdd } from "./cluster/member-add.ts";
import { memberList } from "./cluster/member-list.ts";
import { memberPromote } from "./cluster/member-promote.ts";
import { memberRemove } from "./cluster/member-remove.ts";
import { memberUpdate } from "./cluster/member-update.ts";
import type { Call, Handlers, StreamHandler, UnaryAnswer, UnaryHandler } from "./handler.ts";
import { healthCheck, healthWatch } from "./health/check.ts";
import { compact } from "./kv/compact.ts";
import { deleteRange } from "./kv/delete-range.ts";
import { put } from "./kv/put.ts";
import { range } from "./kv/range.ts";
import { txn } from "./kv/txn.ts";
import type { LeaderGuard } from "./leader-guard.ts";
import { leaseGrant } from "./lease/grant.ts";
import { leaseKeepAlive } from "./lease/keep-alive.ts";
import { leaseLeases } from "./lease/leases.ts";
import { leaseRevoke } from "./lease/revoke.ts";
import { leaseTimeToLive } from "./lease/time-to-live.ts";
import { alarm } from "./maintenance/alarm.ts";
import { defragment } from "./maintenance/defragment.ts";
import { downgrade } from "./maintenance/downgrade.ts";
import { hash, hashKv } from "./maintenance/hash.ts";
import { moveLeader } from "./maintenance/move-leader.ts";
import { snapshot } from "./maintenance/snapshot.ts";
import { status } from "./maintenance/status.ts";
import type { MemberParts } from "./member.ts";
import { settle } from "./promised-answer.ts";
import { WatchStream } from "./watch/watch-stream.ts";

/** What a service answers; a large answer is encoded already. */
type Answer<A> = Encodable<A> | Uint8Array;

const voters = () => "voters" as const;
const all = () => "all" as const;

/** Everything a member serves, by method path. A path that is not here is UNIMPLEMENTED. */
export function serviceTable(
  parts: MemberParts,
  guard: LeaderGuard,
  options: { readonly watchProgressMs: number },
): Handlers {
  const unary = new Map<string, UnaryHandler>();
  const streams: Map<string, { handler: StreamHandler; kind: "serverStream" | "bidiStream" }> = new Map();
  const { members } = parts;

  /** A service that answers into what it is given, without a promise: for what is called often. `servedBy: "all"`: learners
   *  answer it, too. */
  function addDirect<Q extends object, A extends object>(
    method: Method<Q, A>,
    serve: (request: Q, bytes: Uint8Array, call: Call, out: UnaryAnswer) => void,
    servedBy: (request: Q) => "voters" | "all" = voters,
  ): void {
    const handler: UnaryHandler = (bytes, call, out) => {
      const request = method.request.decode(bytes);
      if (servedBy(request) === "voters" && members.isLearner())
        throw new StoreError("NOT_SUPPORTED_FOR_LEARNER");
      serve(request, bytes, call, out);
    };
    unary.set(method.path, guard.unary(handler));
  }
  function add<Q extends object, A extends object>(
    method: Method<Q, A>,
    serve: (request: Q, bytes: Uint8Array, call: Call) => Answer<A> | Promise<Answer<A>>,
    servedBy?: (request: Q) => "voters" | "all",
  ): void {
    const encoded = (answer: Answer<A>) =>
      answer instanceof Uint8Array ? answer : method.response.encode(answer);
    const answered = (request: Q, bytes: Uint8Array, call: Call, out: UnaryAnswer) => {
      const answer = serve(request, bytes, call);
      settle(answer instanceof Promise ? answer.then(encoded) : encoded(answer), out);
    };
    addDirect(method, answered, servedBy);
  }
  function addStream(
    method: Method<object, object>,
    handler: StreamHandler,
    servedBy: "voters" | "all" = "voters",
  ): void {
    const { kind } = method;
    if (kind === "unary") throw new Error(`${method.path} is no stream`);
    const serve: StreamHandler = (out, call) => {
      if (servedBy === "voters" && members.isLearner()) throw new StoreError("NOT_SUPPORTED_FOR_LEARNER");
      return handler(out, call);
    };
    streams.set(method.path, { handler: guard.stream(serve), kind });
  }
  addDirect(
    methods.range,
    (request, _bytes, call, out) => range(request, parts, call, out),
    (request) => (request.serializable ? "all" : "voters"),
  );
  addDirect(methods.put, (request, bytes, _call, out) => put(request, bytes, parts, out));
  add(methods.deleteRange, (request, bytes) => deleteRange(request, bytes, parts));
  addDirect(methods.txn, (request, bytes, call, out) => txn(request, bytes, { parts, call, out }));
  add(methods.compact, (request, bytes) => compact(request, bytes, parts));

  addStream(
    methods.watch,
    (out) => new WatchStream(out, parts, { progressEveryMs: options.watchProgressMs }),
  );

  add(methods.leaseGrant, (request, bytes) => leaseGrant(request, bytes, parts));
  add(methods.leaseRevoke, (_request, bytes) => leaseRevoke(bytes, parts));
  add(methods.leaseTimeToLive, (request) => leaseTimeToLive(request, parts));
  add(methods.leaseLeases, () => leaseLeases(parts));
  addStream(methods.leaseKeepAlive, (out) => leaseKeepAlive(out, parts));

  add(methods.memberList, (request) => memberList(request, parts), all);
  add(methods.memberAdd, (request) => memberAdd(request, parts));
  add(methods.memberRemove, (request) => memberRemove(request, parts));
  add(methods.memberUpdate, (request) => memberUpdate(request, parts));
  add(methods.memberPromote, (request) => memberPromote(request, parts));

  add(methods.status, () => status(parts), all);
  add(methods.alarm, (request, bytes) => alarm(request, bytes, parts));
  add(methods.defragment, () => defragment(parts), all);
  add(methods.hash, () => hash(parts), all);
  add(methods.hashKv, (request) => hashKv(request, parts), all);
  add(methods.moveLeader, (request) => moveLeader(request, parts));
  add(methods.downgrade, (request) => downgrade(request, parts));
  addStream(methods.snapshot, (out) => snapshot(out, parts), "all");

  add(methods.authEnable, () => auth.authEnable(parts));
  add(methods.authDisable, () => auth.authDisable(parts));
  add(methods.authStatus, () => auth.authStatus(parts));
  add(methods.authenticate, () => auth.authenticate(parts));
  add(methods.userAdd, (request) => auth.userAdd(request.name));
  add(methods.userList, () => auth.listNone(parts));
  add(methods.userGet, () => auth.notFound("USER_NOT_FOUND", parts));
  add(methods.userDelete, () => auth.notFound("USER_NOT_FOUND", parts));
  add(methods.userChangePassword, () => auth.notFound("USER_NOT_FOUND", parts));
  add(methods.userGrantRole, () => auth.notFound("USER_NOT_FOUND", parts));
  add(methods.userRevokeRole, () => auth.notFound("USER_NOT_FOUND", parts));
  add(methods.roleAdd, (request) => auth.roleAdd(request.name));
  add(methods.roleList, () => auth.listNone(parts));
  add(methods.roleGet, () => auth.notFound("ROLE_NOT_FOUND", parts));
  add(methods.roleDelete, () => auth.notFound("ROLE_NOT_FOUND", parts));
  add(methods.roleGrantPermission, (request) => auth.roleGrantPermission(request, parts));
  add(methods.roleRevokePermission, () => auth.notFound("ROLE_NOT_FOUND", parts));

  add(methods.healthCheck, (request) => healthCheck(request), all);
  addStream(methods.healthWatch, (out) => healthWatch(out), "all");
  return { unary, streams };
}
