import { isReal, type NodeMachine } from "./node-options.ts";
import type { ClusterOptions } from "./start-cluster.ts";

/** Of 256 addresses each, in a range of 16 bits. */
const rangesMost = 256;

/** Throws TypeError for options that have no meaning beside real nodes, one line each. */
export function checkReal(options: ClusterOptions, machines: ReadonlyMap<string, NodeMachine>): void {
  const all = [...machines.values()];
  const real = all.filter(isReal);
  if (real.length === 0) return;
  const problems: string[] = [];
  const refuse = (field: string, why: string) => problems.push(`${field}: ${why}`);
  const [kind, other] = new Set(real.map(({ runtime }) => runtime));
  if (other !== undefined)
    refuse(
      "nodes",
      `${JSON.stringify(other)} cannot be beside ${JSON.stringify(kind)}: their pods would not reach each other`,
    );
  if (all.length > rangesMost)
    refuse(
      "nodes",
      `${all.length} are more than the ${rangesMost} that can have pods' addresses beside real ones`,
    );
  if (options.clock === "manual")
    refuse("clock", `"manual" is for simulated nodes: real ones live in the machine's time`);
  if (options.startAt !== undefined)
    refuse("startAt", "is for simulated nodes: real ones live in the machine's time");
  if (options.folder !== undefined)
    refuse("folder", "cannot be kept with real nodes: addresses are others at every start");
  if (real.length === all.length)
    for (const field of ["pods", "stages"] as const)
      if ((options[field] ?? []).length > 0)
        refuse(field, "no node is simulated, and real ones run pods truly");
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
}
