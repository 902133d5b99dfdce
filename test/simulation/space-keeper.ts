import type { Encodable } from "../../base/protobuf.ts";
import type { AlarmResponse } from "../../proto/etcd-maintenance.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { revisionOf } from "./answers.ts";
import type { Calls } from "./calls.ts";
import type { EventLog } from "./event-log.ts";
import type { Machine } from "./machine.ts";
import type { AnyMethod } from "./operation.ts";
import type { SimClock } from "./sim-clock.ts";

/** Between two looks. */
export const spaceKeeperEveryMs = 500;
const patienceMs = 3_000;

/** Whoever gives a full database room again, as etcd's manual says: compacts, defragments every member, and lifts the alarms. */
export class SpaceKeeper {
  readonly #stretch: number;
  readonly #parts: {
    readonly clock: SimClock;
    readonly calls: Calls;
    readonly events: EventLog;
    /** Those that belong to the cluster at the time. */
    readonly machines: readonly Machine[];
  };
  #turn = 0;

  constructor({ stretch }: { readonly stretch: number }, parts: SpaceKeeper["parts"]) {
    this.#stretch = stretch;
    this.#parts = parts;
  }

  get parts() {
    return this.#parts;
  }

  /** Runs as long as the world does. */
  async run(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) =>
        this.#parts.clock.after(spaceKeeperEveryMs * this.#stretch, resolve),
      );
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { machines, events } = this.#parts;
    const machine = machines[this.#turn++ % machines.length];
    if (machine === undefined) return;
    const told = await this.#ask(machine, methods.alarm, { action: "GET" });
    const full = (told as AlarmResponse | undefined)?.alarms.filter(({ alarm }) => alarm === "NOSPACE") ?? [];
    if (told === undefined || full.length === 0) return;
    events.add(`the database is full, say ${full.length} members at r${revisionOf(told)}`);
    await this.#ask(machine, methods.compact, { revision: revisionOf(told), physical: true });
    for (const one of [...machines]) await this.#ask(one, methods.defragment, {});
    for (const { memberId, alarm } of full)
      await this.#ask(machine, methods.alarm, { action: "DEACTIVATE", memberId, alarm });
  }

  /** Undefined for anything but an answer. */
  async #ask(machine: Machine, method: unknown, request: Encodable<object>): Promise<object | undefined> {
    const asked = method as AnyMethod;
    const bytes = asked.request.encode(request);
    const { outcome } = await this.#parts.calls.unary(machine, asked, bytes, patienceMs);
    return outcome.kind === "answer" ? outcome.response : undefined;
  }
}
