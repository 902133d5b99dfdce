// Drives endpoints as the JSON on its command line says, and prints what it measured as JSON.
import { loads, preparation } from "../loads.ts";
import { drive, type Extent } from "./drive.ts";

export interface Order {
  /** A load's name. */
  readonly load: string;
  readonly endpoints: readonly string[];
  /** Absent: the load's keys are written. */
  readonly extent?: Extent;
}

const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const load = loads.find((row) => row.name === order.load);
if (load === undefined)
  throw new Error(`no load "${order.load}"; there are ${loads.map((row) => row.name).join(", ")}`);
const result =
  order.extent === undefined
    ? await prepare(load.prepared)
    : await drive(load, order.endpoints, order.extent);
process.stdout.write(`${JSON.stringify(result)}\n`);

async function prepare(prepared = { keys: 0, valueBytes: 0 }) {
  const written = await drive(preparation(prepared), order.endpoints, { requests: prepared.keys });
  if (written.failures > 0) throw new Error(`cannot write the keys: ${written.firstFailure}`);
  return written;
}
