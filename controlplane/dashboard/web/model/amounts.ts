import { isQuantity, parseQuantity } from "../../../../base/quantity.ts";

/** A quantity as a number; 0 for what is none. */
export const amountOf = (quantity: unknown): number =>
  typeof quantity === "string" && isQuantity(quantity)
    ? parseQuantity(quantity)
    : typeof quantity === "number"
      ? quantity
      : 0;

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `1.2 GiB` */
export function bytesText(bytes: number): string {
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < byteUnits.length - 1) {
    value /= 1024;
    at++;
  }
  return `${value >= 100 || at === 0 ? Math.round(value) : Math.round(value * 10) / 10} ${byteUnits[at]}`;
}

/** `0.25`: cores and pieces. */
export const countText = (count: number): string =>
  count >= 100 ? Math.round(count).toLocaleString("en") : String(Math.round(count * 100) / 100);

/** As the resource of that name is counted. */
export const amountText = (resource: string, amount: number): string =>
  /memory|storage|hugepages/.test(resource) ? bytesText(amount) : countText(amount);
