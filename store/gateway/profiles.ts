import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "../../base/os/clock.ts";
import { ProfilerBusyError, type V8Profiles } from "../../base/os/v8-profiles.ts";
import { type Answer, failure, plain } from "./answer.ts";
import type { Route } from "./route.ts";

const prefix = "/debug/pprof";
const compress = promisify(gzip);
const secondsIfNotSaid = 30;

/** What Go tells of its runtime and V8 has not. */
const refused: Readonly<Record<string, string>> = {
  allocs: "what was allocated and is gone is not counted; heap has what is there",
  block: "there are no goroutines that block each other",
  goroutine: "there are no goroutines",
  mutex: "there are no mutexes",
  symbol: "profiles carry the names of their functions",
  threadcreate: "JavaScript runs on one thread",
  trace: "there is no execution trace; profile has where time went",
};

export interface ProfileSources {
  readonly profiles: V8Profiles;
  readonly clock: Pick<Clock, "after" | "wallMs">;
}

/** `/debug/pprof/` (--enable-pprof): what `go tool pprof` asks for, of V8's samplers. */
export function profileRoutes(sources: ProfileSources): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  const add = (name: string, answer: Route["answer"]) =>
    routes.set(`${prefix}/${name}`, { method: "any", answer });
  routes.set(prefix, {
    method: "any",
    answer: async () => ({ ...plain(307, ""), headers: { location: `${prefix}/` } }),
  });
  add("", async () => index());
  add("cmdline", async () => plain(200, process.argv.join("\0")));
  add("profile", (query, gone) => cpuProfile(query, gone, sources));
  add("heap", (query) => heapProfile(query, sources));
  for (const [name, why] of Object.entries(refused)) add(name, async () => unavailable(name, why));
  return routes;
}

const unavailable = (name: string, why: string): Answer => failure(501, `${name} is not to be had: ${why}`);

function index(): Answer {
  const rows = ["cmdline", "heap", "profile"].map((name) => `<li><a href="${name}">${name}</a></li>`);
  const missing = Object.entries(refused).map(([name, why]) => `<li>${name}: ${why}</li>`);
  const body =
    `<html><head><title>${prefix}/</title></head><body><p>Profiles:</p><ul>${rows.join("")}</ul>` +
    `<p>Not to be had:</p><ul>${missing.join("")}</ul></body></html>\n`;
  return { status: 200, contentType: "text/html; charset=utf-8", body };
}

async function cpuProfile(
  query: URLSearchParams,
  gone: AbortSignal,
  { profiles, clock }: ProfileSources,
): Promise<Answer> {
  const asked = Number(query.get("seconds"));
  const seconds = Number.isInteger(asked) && asked > 0 ? asked : secondsIfNotSaid;
  const over = new Promise<void>((resolve) => {
    const cancel = clock.after(seconds * 1_000, resolve);
    const giveUp = () => {
      cancel();
      resolve();
    };
    if (gone.aborted) giveUp();
    else gone.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await attachment("profile", await profiles.cpu(over, clock.wallMs()));
  } catch (error) {
    if (error instanceof ProfilerBusyError) return failure(500, error.message);
    throw error;
  }
}

async function heapProfile(query: URLSearchParams, { profiles, clock }: ProfileSources): Promise<Answer> {
  if (query.has("debug")) return unavailable("heap as text", "only pprof's own form is written");
  if (query.has("seconds")) return unavailable("heap of a time", "only what is there now is told");
  return attachment("heap", await profiles.heap(query.get("gc") === "1", clock.wallMs()));
}

async function attachment(name: string, profile: Uint8Array): Promise<Answer> {
  return {
    status: 200,
    contentType: "application/octet-stream",
    headers: {
      "x-content-type-options": "nosniff",
      "content-disposition": `attachment; filename="${name}"`,
    },
    body: await compress(profile),
  };
}
