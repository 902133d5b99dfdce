import { latin1, utf8 } from "../../base/wire.ts";
import { checkpointKey, parseCheckpointRow } from "../revisions/checkpoint.ts";
import type { RevisionLogConfig, RevisionLogParts } from "../revisions/log-config.ts";
import { formatKey, formatVersion, markRange } from "../revisions/marks.ts";
import { openSegments } from "../revisions/open-segments.ts";
import { isRevisionKey, isTombstone, mainOf, subOf } from "../revisions/revision-key.ts";
import { RevisionLog } from "../revisions/revision-log.ts";
import { BackendError, type Base, bucketPrefixes, type Row, type Write } from "./backend.ts";

export interface RevisionParts extends RevisionLogParts {
  /** Told after each step of moving the rows of an earlier version into the log. */
  readonly onMoving?: ((rows: number) => void) | undefined;
}

const prefix = bucketPrefixes.key;
/** Where an earlier version kept revisions: among all other rows. */
const formerRange = { from: prefix, to: String.fromCharCode(prefix.charCodeAt(0) + 1) } as const;
/** Stands where they were, and is none: an earlier version that is started on this database refuses it by this row, in place of
 *  serving it without any key. */
const guardKey = `${prefix}the keys are in the folder revisions, for a newer version`;
const rowsPerRead = 2_000;
const cutBytes = 4 * 1024 * 1024;

/** Opens the log of a database; one of an earlier version is given a log first. A crash in between leaves the rows where they
 *  were, or in both places, and the next opening goes on. Rejects with BackendError. */
export async function openRevisions(
  base: Base,
  config: RevisionLogConfig,
  parts: RevisionParts,
): Promise<RevisionLog> {
  const format = base.get(formatKey);
  if (format === undefined) await moveRows(base, config, parts);
  else if (latin1(format) !== formatVersion)
    throw new BackendError(
      "corrupt",
      `${parts.folder}: the revision log is of version ${latin1(format)}, this program reads version ${formatVersion}; start the program that wrote it`,
    );
  await removeMoved(base);
  const marks: Write[] = [];
  for await (const page of viewed(base, markRange))
    for (const { key, value } of page) marks.push([key, value]);
  const checkpoint = base.get(checkpointKey);
  const opened = await openSegments(parts, marks, checkpoint && parseCheckpointRow(checkpoint));
  return new RevisionLog(config, parts, opened);
}

async function moveRows(base: Base, config: RevisionLogConfig, parts: RevisionParts): Promise<void> {
  const log = new RevisionLog(config, parts, await openSegments(parts, []));
  const marks = new Map<string, Uint8Array | undefined>();
  const write = async () => {
    const cut = log.cut();
    if (cut === undefined) return;
    await log.write(cut);
    for (const [key, value] of cut.marks) marks.set(key, value);
  };
  let rows = 0;
  for await (const page of viewed(base, formerRange)) {
    for (const row of page) log.append(revisionOf(row));
    rows += page.length;
    parts.onMoving?.(rows);
    if (log.uncutBytes >= cutBytes) await write();
  }
  await write();
  await log.close();
  await base.write([[...marks, [formatKey, utf8(formatVersion)], [guardKey, new Uint8Array(0)]]], {
    sync: true,
  });
}

function revisionOf({ key, value }: Row) {
  const name = key.slice(prefix.length);
  if (!isRevisionKey(name))
    throw new BackendError(
      "corrupt",
      `the database holds a row that is no revision of a key: ${Buffer.from(name, "latin1").toString("hex").slice(0, 80)}`,
    );
  return { main: mainOf(name), sub: subOf(name), deletion: isTombstone(name), value };
}

async function removeMoved(base: Base): Promise<void> {
  let removed = 0;
  for await (const page of viewed(base, formerRange)) {
    const moved = page.filter(({ key }) => key !== guardKey).map(({ key }) => [key, undefined] as const);
    if (moved.length === 0) continue;
    await base.write([moved], { sync: true });
    removed += moved.length;
  }
  if (removed > 0) await base.compact();
}

async function* viewed(
  base: Base,
  { from, to }: { readonly from: string; readonly to: string },
): AsyncIterable<readonly Row[]> {
  const view = base.view();
  try {
    yield* view.pages(from, to, rowsPerRead);
  } finally {
    await view.close();
  }
}
