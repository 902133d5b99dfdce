import { join } from "node:path";
import { type Disk, readOnlyDisk } from "../../base/os/disk.ts";
import { type Backend, bucketNames } from "../backend/backend.ts";
import type { Recovered } from "../wal/recovery.ts";
import { recover } from "../wal/recovery.ts";
import { checkRevisions } from "./check-revisions.ts";
import { hashState, readState } from "./load-database.ts";
import { withDatabase } from "./new-data-dir.ts";
import { databaseFolder, whileStopped } from "./stopped-database.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What was found there, or what is wrong, a line each. */
  readonly lines: readonly string[];
}

export interface CheckedPlace {
  readonly dataDir: string;
  /** Undefined: within the data directory. */
  readonly walDir: string | undefined;
}

/** Reads all that a stopped member has on disk: the log's chain of checksums, LevelDB's rows, the revision log's blocks, each
 *  revision against its neighbours, the index's checkpoint, the whole as a member that starts takes it, and whether log and
 *  database are of one life.
 *  Rejects where the member runs, or there is none. */
export async function checkDataDir(
  { dataDir, walDir }: CheckedPlace,
  disk: Disk,
): Promise<readonly Finding[]> {
  const folder = walDir ?? join(dataDir, "member", "wal");
  return await whileStopped(dataDir, disk, async () => {
    const { log, finding } = await checkLog(folder);
    const findings = [finding];
    const opened = await looked("database", () =>
      withDatabase(databaseFolder(dataDir), disk, async (backend) => {
        findings.push(await looked("rows", () => walkRows(backend)));
        findings.push(await looked("revisions", () => walkRevisions(backend)));
        findings.push(await looked("checkpoint", () => readCheckpoint(backend)));
        findings.push(await looked("state", () => readWhole(backend)));
        if (log !== undefined) findings.push(await looked("log and state", () => compare(backend, log)));
        return ["opens, and closes"];
      }),
    );
    return [...findings, opened];
  });
}

/** Lines of what was found; a problem is thrown. */
async function looked(what: string, look: () => Promise<readonly string[]>): Promise<Finding> {
  try {
    return { what, ok: true, lines: await look() };
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).split("\n");
    return { what, ok: false, lines };
  }
}

async function checkLog(folder: string): Promise<{ log: Recovered | undefined; finding: Finding }> {
  let log: Recovered | undefined;
  const finding = await looked("write-ahead log", async () => {
    log = await recover(readOnlyDisk, folder);
    const { snapshot, entries, hardState } = log;
    const last = snapshot.index + entries.length;
    return [
      `entries ${snapshot.index + 1} to ${last} behind the mark, committed up to ${hardState.commit}, term ${hardState.term}`,
    ];
  });
  return { log, finding };
}

async function walkRows(backend: Backend): Promise<readonly string[]> {
  const counts: string[] = [];
  for (const bucket of bucketNames) {
    let rows = 0;
    for await (const page of backend.pages(bucket)) rows += page.length;
    if (rows > 0) counts.push(`${bucket} ${rows}`);
  }
  return [counts.join(", ")];
}

async function walkRevisions(backend: Backend): Promise<readonly string[]> {
  const problems = await checkRevisions(backend);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return ["each follows from the one of its key before it"];
}

/** A member that starts with a damaged one reads all revisions in its place; it is damage all the same. */
async function readCheckpoint(backend: Backend): Promise<readonly string[]> {
  const { checkpoint } = backend;
  if (checkpoint === undefined) return ["there is none: a member that starts reads all revisions"];
  await backend.readCheckpoint(() => undefined);
  return [`whole, of revision ${checkpoint.revision}, with ${checkpoint.keys} keys`];
}

async function readWhole(backend: Backend): Promise<readonly string[]> {
  const state = await readState(backend);
  const { mvcc, leases } = state;
  const { hash } = await hashState(state, 0);
  return [
    `revision ${mvcc.revision}, compacted ${mvcc.compactRevision}, ${mvcc.index.living} keys, ${leases.length} leases, HashKV ${hash}`,
  ];
}

async function compare(backend: Backend, { snapshot, entries }: Recovered): Promise<readonly string[]> {
  const { at } = await readState(backend);
  if (at.index < snapshot.index)
    throw new Error(
      `the state ends at index ${at.index}, and the log begins at ${snapshot.index}: entries between are missing`,
    );
  const term = at.index === snapshot.index ? snapshot.term : entries[at.index - snapshot.index - 1]?.term;
  if (term === undefined)
    return [`the state is ahead of the log, at index ${at.index}, as after an interrupted snapshot`];
  if (term !== at.term)
    throw new Error(
      `the state ends with an entry of term ${at.term} at index ${at.index}, where the log has one of term ${term}`,
    );
  return [`the state is that of entry ${at.index}, term ${at.term}`];
}
