import { latin1 } from "../../base/wire.ts";

/** The numbers of the last batches, each written with its batch. LevelDB skips without a word what it cannot read of its log
 *  when it opens; a batch that is lost so is missed here, as long as it is one of the last, which are those in the log.
 *  The number n stands in slot n modulo `slots`. */
export const batchSlots = 1_024;
/** Before every bucket's keys. */
const slotPrefix = "\0b";

export const slotRange = { from: slotPrefix, to: "\0c" } as const;

/** The row that goes with batch `number`, which counts from 1. */
export function numberRow(number: number): readonly [key: string, value: Uint8Array] {
  const value = Buffer.alloc(8);
  value.writeBigUInt64BE(BigInt(number));
  return [slotPrefix + String(number % batchSlots).padStart(4, "0"), value];
}

/** The newest number of the rows found in a database, 0 where there is none, and which of those before it is missing. */
export function checkNumbers(rows: readonly { readonly key: string; readonly value: Uint8Array }[]): {
  readonly newest: number;
  readonly missing: number | undefined;
} {
  const bySlot = new Map(rows.map(({ key, value }) => [key, latin1(value)]));
  let newest = 0;
  for (const { value } of rows) newest = Math.max(newest, Number(Buffer.from(value).readBigUInt64BE()));
  for (let number = Math.max(1, newest - batchSlots + 1); number <= newest; number++) {
    const [key, value] = numberRow(number);
    if (bySlot.get(key) !== latin1(value)) return { newest, missing: number };
  }
  return { newest, missing: undefined };
}
