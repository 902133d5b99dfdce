import type { LeaseLike } from "./api.ts";

/** 0n: none. */
export const leaseId = (lease: LeaseLike | undefined): bigint =>
  lease === undefined ? 0n : typeof lease === "bigint" ? lease : lease.id;

/** Whether it is a lease, or the id of one: 64 bits with a sign. */
export function isLeaseId(value: unknown): value is LeaseLike {
  const id = typeof value === "object" && value !== null ? (value as { readonly id?: unknown }).id : value;
  return typeof id === "bigint" && BigInt.asIntN(64, id) === id;
}
