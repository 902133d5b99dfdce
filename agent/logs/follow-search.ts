import { closeSync, fstatSync } from "node:fs";
import type { SearchRecord } from "../../client/logs/search-records.ts";
import type { SearchRequest } from "../../client/logs/search-request.ts";
import { blockBytes, lineBytesMost } from "./blocks.ts";
import type { LogFolders } from "./folders.ts";
import { chosenSources, entryOf, planOf, searchSources, sourceRecord, ToldSources } from "./node-search.ts";
import { openFile } from "./open-blocks.ts";
import { readAt } from "./plain-blocks.ts";
import { recordFormats } from "./record.ts";
import { type ScanPlan, scanBlock } from "./scan-block.ts";
import type { LogFile, LogSource } from "./sources.ts";

/** How often files are looked at for more, and how many looks there are until it is looked for other files. */
export const lookMs = 250;
const looksPerListing = 4;

export interface FollowDeps {
  readonly folders: LogFolders;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** What there is since `since`, then what comes, until nobody asks for more. Order holds within a log. */
export async function* followSearch(
  request: SearchRequest,
  deps: FollowDeps,
): AsyncGenerator<SearchRecord, void, void> {
  const { folders, sleep } = deps;
  const startUs = deps.wallMs() * 1000;
  const told = new ToldSources();
  const followed = new FollowedFiles(planOf({ ...request, sinceUs: Math.max(startUs, request.sinceUs) }));
  followed.update(await chosenSources(request, folders), true);
  if (request.sinceUs < startUs) {
    const until = { ...request, untilUs: startUs, limit: Number.MAX_SAFE_INTEGER };
    for (const record of searchSources(await chosenSources(request, folders), until, deps, told))
      if (!("end" in record)) yield record;
  }
  let searchedBytes = 0;
  for (let looks = 1; ; looks += 1) {
    for (const { source, block } of followed.read()) {
      searchedBytes += block.length;
      for (const line of scanBlock(block, recordFormats[source.format], followed.plan)) {
        const id = told.idOf(source);
        if (told.isNew) yield { source: sourceRecord(id, source.origin) };
        yield entryOf({ block, source }, line, id);
      }
    }
    if (looks % looksPerListing === 0) {
      followed.update(await chosenSources(request, folders), false);
      yield { alive: { searchedBytes } };
    }
    await sleep(lookMs);
  }
}

interface Followed {
  readonly source: LogSource;
  readonly file: LogFile;
  offset: number;
}

/** How far files were read that may grow. */
class FollowedFiles {
  readonly plan: ScanPlan;
  #files = new Map<number, Followed>();

  constructor(plan: ScanPlan) {
    this.plan = plan;
  }

  /** @param fromEnd What is there by now is read elsewhere, but for what comes last: its times tell. */
  update(sources: readonly LogSource[], fromEnd: boolean): void {
    const files = new Map<number, Followed>();
    for (const source of sources)
      for (const file of source.files) {
        if (file.isCompressed) continue;
        const known = this.#files.get(file.ino);
        const offset = known?.offset ?? (fromEnd ? Math.max(0, file.sizeBytes - blockBytes) : 0);
        files.set(file.ino, { source, file, offset });
      }
    this.#files = files;
  }

  *read(): Generator<{ readonly source: LogSource; readonly block: Buffer }, void, void> {
    for (const followed of this.#files.values()) {
      const fd = openFile(followed.file, []);
      if (fd === undefined) continue;
      try {
        for (let block = this.#more(fd, followed); block !== undefined; block = this.#more(fd, followed))
          if (block.length > 0) yield { source: followed.source, block };
      } finally {
        closeSync(fd);
      }
    }
  }

  /** Whole lines. */
  #more(fd: number, followed: Followed): Buffer | undefined {
    const { size } = fstatSync(fd);
    if (size <= followed.offset) return undefined;
    const bytes = Math.min(size - followed.offset, 2 * lineBytesMost);
    const buffer = readAt(fd, followed.offset, bytes);
    const end = buffer.lastIndexOf(10) + 1;
    if (end === 0 && buffer.length < 2 * lineBytesMost) return undefined;
    followed.offset += end === 0 ? buffer.length : end;
    return buffer.subarray(0, end);
  }
}
