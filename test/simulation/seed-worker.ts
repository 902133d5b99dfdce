import type { SimOptions } from "./options.ts";
import { reportOf } from "./seed-report.ts";

/** A process of `seed-pool.ts`: is sent seeds, answers reports. */
process.on("message", ({ seed, given }: { readonly seed: number; readonly given: Partial<SimOptions> }) => {
  void reportOf(seed, given).then((report) => process.send?.(report));
});
