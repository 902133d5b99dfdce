import { below, chance, type Random } from "../../../base/os/random.ts";
import type { Calls } from "../calls.ts";
import type { Machine } from "../machine.ts";
import type { Operations } from "../operations.ts";
import type { SimClock } from "../sim-clock.ts";
import type { Workload } from "./workload.ts";

export interface ClientParts {
  readonly clock: SimClock;
  readonly calls: Calls;
  readonly machines: readonly Machine[];
  readonly operations: Operations;
  readonly random: Random;
  readonly thinkMs: number;
  /** True once the storm is over: no new requests. */
  readonly isOver: () => boolean;
}

/** Asks, waits for the answer, thinks, asks again; mostly of one member, now and then of another. */
export async function runKeyClient(name: string, workload: Workload, parts: ClientParts): Promise<void> {
  const { random, clock, machines, operations, thinkMs } = parts;
  let at = below(random, machines.length);
  while (!parts.isOver()) {
    await new Promise<void>((resolve) => clock.after(2 * thinkMs * (random.uint32() / 2 ** 32), resolve));
    if (parts.isOver()) return;
    const machine = machines[at];
    if (machine === undefined) return;
    const outcome = await operations.run(name, machine, workload.next());
    const isWell = outcome.kind === "answer";
    if (chance(random, isWell ? 0.05 : 0.7)) at = below(random, machines.length);
  }
}
