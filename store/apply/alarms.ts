import { latin1, latin1Bytes } from "../../base/wire.ts";
import type { AlarmRequest } from "../../proto/etcd.ts";
import { type AlarmMember, alarmMember } from "../../proto/etcd-maintenance.ts";
import type { Row } from "../backend/backend.ts";
import type { MemberId } from "../raft/types.ts";

export type { AlarmMember };
export type AlarmType = AlarmRequest["alarm"];

export interface AlarmRows {
  put(bucket: "alarm", key: string, value: Uint8Array): void;
  delete(bucket: "alarm", key: string): void;
}

const noBytes = new Uint8Array(0);

/** The alarms that are on, cluster-wide: which kind, raised by whom. A row of the `alarm` bucket has an encoded
 *  etcdserverpb.AlarmMember for its key and no value. */
export class Alarms {
  readonly #active = new Map<string, AlarmMember>();

  restore(rows: Iterable<Row>): void {
    this.#active.clear();
    for (const { key } of rows) this.#active.set(key, alarmMember.decode(latin1Bytes(key)));
  }

  get isEmpty(): boolean {
    return this.#active.size === 0;
  }

  has(alarm: AlarmType): boolean {
    for (const active of this.#active.values()) if (active.alarm === alarm) return true;
    return false;
  }

  /** All of a kind; NONE: of every kind. */
  list(alarm: AlarmType = "NONE"): readonly AlarmMember[] {
    return [...this.#active.values()].filter((active) => alarm === "NONE" || active.alarm === alarm);
  }

  /** Answers the alarm that is on now, as etcd does, also when it was on before. */
  activate(memberId: MemberId, alarm: AlarmType, rows: AlarmRows): AlarmMember {
    const active: AlarmMember = { memberId, alarm };
    const key = latin1(alarmMember.encode(active));
    if (!this.#active.has(key)) {
      this.#active.set(key, active);
      rows.put("alarm", key, noBytes);
    }
    return active;
  }

  /** Answers the alarm that was switched off, or undefined where none was on. */
  deactivate(memberId: MemberId, alarm: AlarmType, rows: AlarmRows): AlarmMember | undefined {
    const key = latin1(alarmMember.encode({ memberId, alarm }));
    const active = this.#active.get(key);
    if (active === undefined) return undefined;
    this.#active.delete(key);
    rows.delete("alarm", key);
    return active;
  }
}
