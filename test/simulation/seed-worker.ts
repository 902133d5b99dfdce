import type { SimOptions } from "./options.ts";
import { reportOf } from "./seed-report.ts";

/** A process of `seed-pool.ts`: is sent seeds, answers reports. A signal to all of them is for who sends the seeds, and lets these
 *  come to their end. */
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit()); // nobody wants to know any more
process.on("message", ({ seed, given }: { readonly seed: number; readonly given: Partial<SimOptions> }) => {
  void reportOf(seed, given).then((report) => process.send?.(report));
});
