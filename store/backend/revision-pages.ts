import { mainOf, revisionKey, subOf, tombstoneKey } from "../revisions/revision-key.ts";
import type { RevisionsView } from "../revisions/revision-log.ts";
import type { RevisionRow } from "../revisions/row-format.ts";
import type { Pages, Row, RowRange } from "./backend.ts";

/** Revisions as rows of the bucket `key`, under etcd's keys. The bounds of the range are such keys. */
export async function* revisionPages(view: RevisionsView, range: RowRange = {}, rowsMax: number): Pages {
  const from = range.from === undefined ? { main: 0, sub: 0 } : revisionOf(range.from);
  const to = range.to === undefined ? undefined : revisionOf(range.to);
  for await (const page of view.pages({ from, to }, rowsMax)) yield page.map(rowOf);
}

function revisionOf(key: string): { readonly main: number; readonly sub: number } {
  return { main: mainOf(key), sub: subOf(key) };
}

function rowOf({ main, sub, deletion, value }: RevisionRow): Row {
  return { key: deletion ? tombstoneKey(main, sub) : revisionKey(main, sub), value };
}
