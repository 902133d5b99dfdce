import type { Random } from "./os/random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** Growth per failure; 2 by default. */
  readonly factor?: number;
  /** Share of the delay that is random (0 to 1), so that many do not retry in step; 0.2 by default. */
  readonly jitter?: number;
}

/** The wait before attempt number `failures + 1` (`failures` ≥ 1). */
export function backoffMs(options: BackoffOptions, failures: number, random: Random): number {
  const grown = options.firstMs * (options.factor ?? 2) ** Math.min(failures - 1, 50);
  const jitter = (options.jitter ?? 0.2) * (random.uint32() / 2 ** 32);
  return Math.min(options.mostMs, grown) * (1 - jitter);
}
