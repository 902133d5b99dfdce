import { ageText } from "../../client/rules/printed-table.ts";

/** How long ago, as kubectl shows it: 45s, 3m12s, 25m, 5h10m, 3d4h, 40d, 2y1d. */
export function age(timestamp: string | undefined, nowMs: number): string {
  return timestamp === undefined ? "<unknown>" : ageText(nowMs - Date.parse(timestamp));
}
