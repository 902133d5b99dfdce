import { below, chance, type Random } from "../../../base/os/random.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { Calls } from "../calls.ts";
import type { Leases } from "../checkers/leases.ts";
import type { EventLog } from "../event-log.ts";
import type { Machine } from "../machine.ts";
import type { AnyMethod } from "../operation.ts";
import type { Operations } from "../operations.ts";
import type { SimClock } from "../sim-clock.ts";

export interface LeaseholderParts {
  readonly name: string;
  readonly clock: SimClock;
  readonly calls: Calls;
  readonly machines: readonly Machine[];
  readonly operations: Operations;
  readonly random: Random;
  readonly checker: Leases;
  readonly events: EventLog;
  readonly newLease: () => bigint;
  /** Everybody may hang keys on it from now on. */
  readonly granted: (id: bigint) => void;
  readonly isOver: () => boolean;
  readonly ttlMaxS: number;
  /** How many times longer than usual it waits before it grants another. */
  readonly stretch: number;
}

/** Grants a lease, keeps it alive for a while, then revokes it or lets it run out. */
export async function runLeaseholder(parts: LeaseholderParts): Promise<void> {
  const { clock, random, machines, name, operations, ttlMaxS, stretch } = parts;
  const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const anywhere = (): Machine => machines[below(random, machines.length)] as Machine;
  while (!parts.isOver()) {
    await wait(stretch * below(random, 1_000));
    const id = parts.newLease();
    const request = { id, ttl: 1 + below(random, ttlMaxS) };
    const outcome = await operations.run(name, anywhere(), {
      kind: "leaseGrant",
      request,
      serializable: false,
    });
    if (outcome.kind !== "answer") continue;
    parts.granted(id);
    for (let beats = below(random, 8); beats > 0 && !parts.isOver(); beats--) {
      await wait((ttlMaxS / 3) * (200 + below(random, 700)));
      await keepAlive(parts, anywhere(), id);
    }
    if (chance(random, 0.4))
      await operations.run(name, anywhere(), { kind: "leaseRevoke", request: { id }, serializable: false });
  }
}

function keepAlive(parts: LeaseholderParts, machine: Machine, id: bigint): Promise<void> {
  const { clock, calls, checker, events, name } = parts;
  const sentMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const stream = calls.stream(machine, methods.leaseKeepAlive as AnyMethod, {
      message: (response) => {
        const { ttl } = response as { readonly ttl: number };
        events.add(`${name} keeps ${id.toString(16)} for ${ttl}`);
        checker.renewed(id, sentMs, ttl);
        stream.abort();
      },
      end: () => {
        stopTimer();
        resolve();
      },
    });
    const stopTimer = clock.after(4_000, () => stream.abort());
    stream.send({ id });
  });
}
