import { below, chance, type Random } from "../../../base/os/random.ts";
import type { Calls } from "../calls.ts";
import { mayAskAgain } from "../checkers/applied-once.ts";
import type { Machine } from "../machine.ts";
import type { Operations } from "../operations.ts";
import type { SimClock } from "../sim-clock.ts";
import type { Session } from "./session.ts";
import type { Wanted, Workload } from "./workload.ts";

export interface ClientParts {
  readonly clock: SimClock;
  readonly calls: Calls;
  /** Those that belong to the cluster at the time. */
  readonly machines: readonly Machine[];
  readonly operations: Operations;
  readonly random: Random;
  readonly thinkMs: number;
  /** As whom it asks; undefined: in the member's own name. */
  readonly session?: Session | undefined;
  /** True once the storm is over: no new requests. */
  readonly isOver: () => boolean;
}

/** Asks, waits for the answer, thinks, asks again; mostly of one member, now and then of another. What was certainly not taken
 *  is asked for again, as the store's client does. */
export async function runKeyClient(name: string, workload: Workload, parts: ClientParts): Promise<void> {
  const { random, clock, machines, operations, thinkMs } = parts;
  let at = below(random, machines.length);
  let again: Wanted | undefined;
  while (!parts.isOver()) {
    await new Promise<void>((resolve) => clock.after(2 * thinkMs * (random.uint32() / 2 ** 32), resolve));
    if (parts.isOver()) return;
    const machine = machines[at % machines.length];
    if (machine === undefined) continue;
    const wanted: Wanted = again ?? workload.next();
    await parts.session?.ready(machine);
    const outcome = await operations.run(name, machine, wanted, parts.session);
    again = outcome.kind === "error" && mayAskAgain.has(outcome.code) ? wanted : undefined;
    const isWell = outcome.kind === "answer";
    if (chance(random, isWell ? 0.05 : 0.7)) at = below(random, machines.length);
  }
}
