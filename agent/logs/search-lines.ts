import { setTimeout as sleep } from "node:timers/promises";
import { parseSearchRequest } from "../../client/logs/search-request.ts";
import type { LogFolders } from "./folders.ts";
import { followSearch } from "./follow-search.ts";
import { searchNode } from "./node-search.ts";

/** One search, as it is handed to whoever runs it. */
export interface SearchData {
  readonly folders: LogFolders;
  /** Of the request, as in a URL; it was read before. */
  readonly params: string;
  readonly nowMs: number;
}

const linesBytes = 32 * 1024;

/** What is found as lines of JSON, many at once. */
export async function* searchLines({
  folders,
  params,
  nowMs,
}: SearchData): AsyncGenerator<Buffer, void, void> {
  const read = parseSearchRequest(new URLSearchParams(params), nowMs);
  if ("problem" in read) throw new Error(read.problem.message);
  const { request } = read;
  const monotonicMs = () => performance.now();
  const records = request.follow
    ? followSearch(request, { folders, monotonicMs, wallMs: () => Date.now(), sleep: (ms) => sleep(ms) })
    : searchNode(request, { folders, monotonicMs });
  let text = "";
  for await (const record of records) {
    text += `${JSON.stringify(record)}\n`;
    const isLate = "alive" in record || "end" in record || (request.follow && "entry" in record);
    if (!isLate && text.length < linesBytes) continue;
    yield Buffer.from(text);
    text = "";
  }
}
