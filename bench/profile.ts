import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JobLoad } from "./load.ts";
import { measure, prepare } from "./measure.ts";
import { pintleProgram, type SideOptions, startSide } from "./peers.ts";
import { type CallFrame, type CpuProfile, type Stage, timeByStage } from "./stages.ts";

/** Microseconds of the members' JavaScript threads, all members together, for one request. */
export type StageTimes = Readonly<Partial<Record<Stage, number>>>;

/** Drives a load once more, against members that are sampled as they run, which makes them slower. */
export async function profile(
  load: JobLoad,
  options: SideOptions & { readonly warmUpSeconds: number; readonly seconds: number },
): Promise<StageTimes> {
  const profiles = mkdtempSync(join(tmpdir(), "pintle-profiles-"));
  try {
    const side = await startSide(pintleProgram({ profiles }), options);
    const { requests, window } = await sampled(side, load, options).finally(() => side.stop("SIGTERM"));
    return perRequest(readProfiles(profiles), window, requests);
  } finally {
    rmSync(profiles, { recursive: true, force: true });
  }
}

async function sampled(
  side: Awaited<ReturnType<typeof startSide>>,
  load: JobLoad,
  { warmUpSeconds, seconds }: { readonly warmUpSeconds: number; readonly seconds: number },
) {
  await prepare(side, load);
  if (warmUpSeconds > 0) await measure(side, load, { seconds: warmUpSeconds });
  const fromUs = monotonicUs();
  const { requests } = await measure(side, load, { seconds });
  return { requests, window: { fromUs, toUs: monotonicUs() } };
}

/** V8's profiles count by the same clock. */
const monotonicUs = () => Number(process.hrtime.bigint() / 1000n);

const readProfiles = (folder: string): CpuProfile[] =>
  readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as CpuProfile);

function perRequest(
  profiles: readonly CpuProfile[],
  window: { readonly fromUs: number; readonly toUs: number },
  requests: number,
): StageTimes {
  const times: Partial<Record<Stage, number>> = {};
  for (const one of profiles)
    for (const [stage, us] of timeByStage(one, window, sourceOf))
      times[stage] = (times[stage] ?? 0) + us / requests;
  return times;
}

const root = fileURLToPath(new URL("../", import.meta.url));
const maps = new Map<string, SourceMap | undefined>();

/** Bundles are traced to their sources by their maps. */
function sourceOf({ url, lineNumber, columnNumber }: CallFrame): string {
  if (!url.startsWith("file:")) return url;
  const path = fileURLToPath(url);
  if (!maps.has(path)) maps.set(path, mapOf(path));
  const entry = maps.get(path)?.findEntry(lineNumber, columnNumber);
  const source =
    entry !== undefined && "originalSource" in entry ? new URL(entry.originalSource, url).pathname : path;
  return source.startsWith(root) ? source.slice(root.length) : source;
}

function mapOf(path: string): SourceMap | undefined {
  if (!path.startsWith(join(root, "dist"))) return undefined;
  return new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")));
}
