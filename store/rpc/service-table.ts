import type { Encodable } from "../../base/protobuf.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { StoreError } from "../errors.ts";
import { authenticate } from "./auth/authenticate.ts";
import { changed } from "./auth/changed.ts";
import { roleGet, roleList } from "./auth/roles.ts";
import { authDisable, authEnable, authStatus } from "./auth/switch.ts";
import { userAdd, userChangePassword, userGet, userList } from "./auth/users.ts";
import { memberAdd } from "./cluster/member-add.ts";
import { memberList } from "./cluster/member-list.ts";
import { memberPromote } from "./cluster/member-promote.ts";
import { memberRemove } from "./cluster/member-remove.ts";
import { memberUpdate } from "./cluster/member-update.ts";
import { campaign, leader, proclaim, resign } from "./concurrency/election.ts";
import { lock, unlock } from "./concurrency/lock.ts";
import { observe } from "./concurrency/observe.ts";
import { OwnCalls } from "./concurrency/own-calls.ts";
import type { Call, Handlers, StreamHandler, UnaryAnswer, UnaryHandler } from "./handler.ts";
import { healthCheck, healthWatch } from "./health/check.ts";
import { compact } from "./kv/compact.ts";
import { deleteRange } from "./kv/delete-range.ts";
import { put } from "./kv/put.ts";
import { range } from "./kv/range.ts";
import { RangeStream } from "./kv/range-stream.ts";
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
import { oneRequest } from "./one-request.ts";
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
  const { members, access } = parts;

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
      call.accepted?.();
      guard.check(call);
      serve(request, bytes, call, out);
    };
    unary.set(method.path, handler);
  }
  function add<Q extends object, A extends object>(
    method: Method<Q, A>,
    serve: (request: Q, bytes: Uint8Array, call: Call) => Answer<A> | Promise<Answer<A>>,
    options: {
      readonly servedBy?: (request: Q) => "voters" | "all";
      /** Who must ask, whatever the request, where authentication is on. */
      readonly needs?: "user" | "root";
    } = {},
  ): void {
    const { needs } = options;
    const encoded = (answer: Answer<A>) =>
      answer instanceof Uint8Array ? answer : method.response.encode(answer);
    const answered = (request: Q, bytes: Uint8Array, call: Call, out: UnaryAnswer) => {
      const answer =
        needs !== undefined && access.isOn
          ? allowed(needs, call).then(() => serve(request, bytes, call))
          : serve(request, bytes, call);
      settle(answer instanceof Promise ? answer.then(encoded) : encoded(answer), out);
    };
    addDirect(method, answered, options.servedBy);
  }
  async function allowed(needs: "user" | "root", call: Call): Promise<void> {
    if (needs === "root") await access.requireRoot(call);
    else await access.requireUser(call);
  }
  function addStream(
    method: Method<object, object>,
    handler: StreamHandler,
    servedBy: "voters" | "all" = "voters",
  ): void {
    const { kind } = method;
    if (kind === "unary") throw new Error(`${method.path} is no stream`);
    const guarded = guard.stream(kind === "serverStream" ? oneRequest(handler) : handler);
    const serve: StreamHandler = (out, call) => {
      if (servedBy === "voters" && members.isLearner()) throw new StoreError("NOT_SUPPORTED_FOR_LEARNER");
      call.accepted?.();
      return guarded(out, call);
    };
    streams.set(method.path, { handler: serve, kind });
  }
  addDirect(
    methods.range,
    (request, _bytes, call, out) => range(request, parts, call, out),
    (request) => (request.serializable ? "all" : "voters"),
  );
  addStream(methods.rangeStream, (out, call) => new RangeStream(out, call, parts));
  addDirect(methods.put, (request, bytes, call, out) => put(request, bytes, { parts, call, out }));
  add(methods.deleteRange, (request, bytes, call) => deleteRange(request, bytes, { parts, call }));
  addDirect(methods.txn, (request, bytes, call, out) => txn(request, bytes, { parts, call, out }));
  add(methods.compact, (request, bytes, call) => compact(request, bytes, { parts, call }));

  addStream(
    methods.watch,
    (out, call) => new WatchStream(out, { parts, call }, { progressEveryMs: options.watchProgressMs }),
  );

  add(methods.leaseGrant, (request, bytes, call) => leaseGrant(request, bytes, { parts, call }));
  add(methods.leaseRevoke, (_request, bytes, call) => leaseRevoke(bytes, { parts, call }));
  add(methods.leaseTimeToLive, (request, _bytes, call) => leaseTimeToLive(request, { parts, call }));
  add(methods.leaseLeases, (_request, _bytes, call) => leaseLeases(call, parts));
  addStream(methods.leaseKeepAlive, (out, call) => leaseKeepAlive(out, call, parts));

  add(methods.memberList, (request, _bytes, call) => memberList(request, call, parts));
  add(methods.memberAdd, (request, _bytes, call) => memberAdd(request, call, parts));
  add(methods.memberRemove, (request) => memberRemove(request, parts), { needs: "root" });
  add(methods.memberUpdate, (request) => memberUpdate(request, parts), { needs: "root" });
  add(methods.memberPromote, (request) => memberPromote(request, parts), { needs: "root" });

  add(methods.status, () => status(parts), { servedBy: all, needs: "user" });
  add(methods.alarm, (request, bytes, call) => alarm(request, bytes, { parts, call }));
  add(methods.defragment, () => defragment(parts), { servedBy: all, needs: "root" });
  add(methods.hash, () => hash(parts), { servedBy: all, needs: "root" });
  add(methods.hashKv, (request) => hashKv(request, parts), { servedBy: all, needs: "root" });
  add(methods.moveLeader, (request) => moveLeader(request, parts), { needs: "root" });
  add(methods.downgrade, (request) => downgrade(request, parts), { needs: "root" });
  addStream(methods.snapshot, (out, call) => snapshot(out, call, parts), "all");

  add(methods.authEnable, (_request, _bytes, call) => authEnable(call, parts));
  add(methods.authDisable, (_request, _bytes, call) => authDisable(call, parts));
  add(methods.authStatus, (_request, _bytes, call) => authStatus(call, parts));
  add(methods.authenticate, (request) => authenticate(request, parts));
  add(methods.userAdd, (request, _bytes, call) => userAdd(request, call, parts));
  add(methods.userList, (_request, _bytes, call) => userList(call, parts));
  add(methods.userGet, (request, _bytes, call) => userGet(request, call, parts));
  add(methods.userDelete, (_, bytes, call) => changed("authUserDelete", bytes, { call, parts }));
  add(methods.userChangePassword, (request, _bytes, call) => userChangePassword(request, call, parts));
  add(methods.userGrantRole, (_, bytes, call) => changed("authUserGrantRole", bytes, { call, parts }));
  add(methods.userRevokeRole, (_, bytes, call) => changed("authUserRevokeRole", bytes, { call, parts }));
  add(methods.roleAdd, (_, bytes, call) => changed("authRoleAdd", bytes, { call, parts }));
  add(methods.roleList, (_request, _bytes, call) => roleList(call, parts));
  add(methods.roleGet, (request, _bytes, call) => roleGet(request, call, parts));
  add(methods.roleDelete, (_, bytes, call) => changed("authRoleDelete", bytes, { call, parts }));
  add(methods.roleGrantPermission, (_, bytes, call) =>
    changed("authRoleGrantPermission", bytes, { call, parts }),
  );
  add(methods.roleRevokePermission, (_, bytes, call) =>
    changed("authRoleRevokePermission", bytes, { call, parts }),
  );

  const handlers: Handlers = { unary, streams };
  const own = (call: Call) => new OwnCalls(handlers, call);
  add(methods.lock, (request, _bytes, call) => lock(request, own(call)));
  add(methods.unlock, (request, _bytes, call) => unlock(request, own(call)));
  add(methods.campaign, (request, _bytes, call) => campaign(request, own(call)));
  add(methods.proclaim, (request, _bytes, call) => proclaim(request, own(call)));
  add(methods.leader, (request, _bytes, call) => leader(request, own(call)));
  add(methods.resign, (request, _bytes, call) => resign(request, own(call)));
  addStream(methods.observe, (out, call) => observe(out, call, handlers));

  add(methods.healthCheck, (request) => healthCheck(request));
  addStream(methods.healthWatch, (out) => healthWatch(out));
  return handlers;
}
