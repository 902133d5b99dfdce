import type { NodeTrouble } from "../agent/simulate/simulated-nodes.ts";
import { shown } from "../base/shown.ts";
import type { Node } from "../client/types.ts";
import { checkFilter } from "./check-arguments.ts";
import type { NodeTroubles } from "./cluster.ts";

const pressures = {
  memoryPressure: "MemoryPressure",
  diskPressure: "DiskPressure",
  pidPressure: "PIDPressure",
} as const;

/** As a simulated node takes it. Throws TypeError for what is none. */
export function troubleOf(troubles: NodeTroubles): NodeTrouble {
  checkFilter(troubles, ["notReady", ...Object.keys(pressures)]);
  const { notReady, ...pressure } = troubles;
  if (notReady !== undefined && typeof notReady !== "string")
    throw new TypeError(`notReady: ${shown(notReady)} must be a text: why it is not ready`);
  for (const [field, value] of Object.entries(pressure))
    if (value !== undefined && typeof value !== "boolean")
      throw new TypeError(`${field}: ${shown(value)} must be true or false`);
  const fields = Object.keys(pressures) as (keyof typeof pressures)[];
  return {
    notReady,
    pressure: fields.flatMap((field) => (pressure[field] === true ? pressures[field] : [])),
  };
}

/** Whether a Node's conditions say of a trouble what there is to say. */
export function saysSo({ status }: Node, { notReady, pressure }: NodeTrouble): boolean {
  return (status?.conditions ?? []).every((condition) => {
    if (condition.type === "Ready") return condition.status === (notReady === undefined ? "True" : "False");
    const type = Object.values(pressures).find((one) => one === condition.type);
    return type === undefined || (condition.status === "True") === pressure.includes(type);
  });
}
