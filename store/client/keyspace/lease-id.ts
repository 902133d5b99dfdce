import type { LeaseLike } from "./api.ts";

/** 0n: none. */
export const leaseId = (lease: LeaseLike | undefined): bigint =>
  lease === undefined ? 0n : typeof lease === "bigint" ? lease : lease.id;
