import type { Log } from "../../../base/os/log.ts";
import { pathNotFound } from "../api-error.ts";
import { checkHealth, type HealthDeps, type HealthPath, healthChecks, oneCheck } from "./health.ts";
import type { HealthSlis } from "./health-slis.ts";
import type { PlainAnswer } from "./plain-routes.ts";

/** GET /livez, /livez/etcd and their like. `one` names a check, or is empty for all. */
export async function health(
  path: HealthPath,
  one: string,
  {
    query,
    deps,
    log,
    slis,
  }: {
    readonly query: URLSearchParams;
    readonly deps: HealthDeps;
    readonly log: Log;
    readonly slis: HealthSlis;
  },
): Promise<PlainAnswer> {
  const checks = healthChecks(path, deps);
  const named = checks.find(({ name }) => name === one);
  if (one !== "" && named === undefined) throw pathNotFound();
  const checked = (name: string, isWell: boolean) => slis.checked(path, name, isWell);
  const asked = { verbose: query.has("verbose"), excluded: query.getAll("exclude"), checked };
  const { ok, text, problems } = named ? await oneCheck(named) : await checkHealth(path, checks, asked);
  if (!ok) log.debug("health check failed", { path, problems });
  return {
    code: ok ? 200 : 500,
    contentType: "text/plain; charset=utf-8",
    body: text,
    // One check that is well says so without.
    ...((named === undefined || !ok) && { headers: { "X-Content-Type-Options": "nosniff" } }),
  };
}
