import { isDeepStrictEqual } from "node:util";
import { type AuthModel, type ModelPermission, noAuth } from "../../model/auth-model.ts";
import type { ModelKv } from "../../model/etcd-model.ts";
import type { CommittedLog } from "../committed-log.ts";
import type { Report } from "../report.ts";
import { textOf } from "../text-of.ts";

/** A member's state, as far as clients could see it. */
export interface SeenState {
  readonly applied: number;
  readonly revision: number;
  /** All keys, in order. */
  readonly kvs: () => readonly ModelKv[];
  /** In rising order. */
  readonly leases: () => readonly bigint[];
  readonly auth: () => AuthModel;
}

/** At the same applied index all members hold the same state: that of the model, which applied each entry once. */
export class EqualState {
  readonly #report: Report;
  readonly #committed: CommittedLog;

  constructor(committed: CommittedLog, report: Report) {
    this.#committed = committed;
    this.#report = report;
  }

  /** Cheap enough for every step. */
  revision(member: string, applied: number, revision: number): void {
    const wanted = this.#committed.revisionAt(applied);
    if (revision !== wanted)
      this.#report(
        "equal state",
        `${member} has revision ${revision} after entry ${applied}, where ${wanted} is right`,
      );
  }

  whole(member: string, state: SeenState): void {
    const { applied } = state;
    this.revision(member, applied, state.revision);
    const wanted = this.#committed.model.keysAt(this.#committed.revisionAt(applied));
    const kvs = state.kvs();
    if (!isDeepStrictEqual(kvs, wanted))
      this.#report("equal state", `${member} after entry ${applied}: ${difference(kvs, wanted)}`);
    const leases = state.leases();
    const known = this.#committed.leasesAt(applied);
    if (!isDeepStrictEqual(leases, known))
      this.#report("equal state", `${member} has leases ${leases} after entry ${applied}, not ${known}`);
    const auth = state.auth();
    const right = this.#committed.at(applied)?.auth ?? noAuth;
    if (!isDeepStrictEqual(auth, inOrder(right)))
      this.#report(
        "equal state",
        `${member} has ${textOf(auth)} after entry ${applied}, not ${textOf(inOrder(right))}`,
      );
  }
}

/** In which order permissions were given makes no difference. */
function inOrder(auth: AuthModel): AuthModel {
  const sorted = Object.entries(auth.roles).map(([name, permissions]) => [
    name,
    sortedPermissions(permissions),
  ]);
  return { ...auth, roles: Object.fromEntries(sorted) };
}

export const sortedPermissions = (permissions: readonly ModelPermission[]): readonly ModelPermission[] =>
  [...permissions].sort((a, b) => (a.from + a.end < b.from + b.end ? -1 : 1));

function difference(kvs: readonly ModelKv[], wanted: readonly ModelKv[]): string {
  const at = kvs.findIndex((kv, index) => !isDeepStrictEqual(kv, wanted[index]));
  const show = (kv: ModelKv | undefined) =>
    kv === undefined
      ? "nothing"
      : `${kv.key}=${kv.value} (${kv.create}/${kv.mod}/${kv.version}, lease ${kv.lease})`;
  const index = at === -1 ? kvs.length : at;
  return `it holds ${show(kvs[index])} where ${show(wanted[index])} is right`;
}
