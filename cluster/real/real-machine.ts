import type { RealRuntime } from "./keeper-orders.ts";

/** A node that runs pods truly. It has what this machine has. */
export interface RealMachine {
  readonly name: string;
  readonly runtime: RealRuntime;
  readonly labels: Readonly<Record<string, string>>;
  /** `KEY=VALUE:EFFECT`. */
  readonly taints: readonly string[];
}
