import type { Log } from "../../base/os/log.ts";
import type { MemberParts } from "../rpc/member.ts";
import { type Answer, failure, plain } from "./answer.ts";
import { type Check, type CheckType, checksOf, checkTypes, health } from "./health.ts";
import type { HealthMetrics } from "./health-metrics.ts";
import type { Route } from "./route.ts";

export interface HealthParts {
  readonly member: MemberParts;
  readonly metrics: HealthMetrics;
  readonly log: Log;
}

const given = (query: URLSearchParams, name: string) => query.getAll(name).filter((value) => value !== "");

/** `/health`, and `/livez` and `/readyz` with a path for each of their checks. */
export function healthRoutes(parts: HealthParts): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  const add = (path: string, answer: Route["answer"]) => routes.set(path, { method: "GET", answer });
  add("/health", (query) => wholeHealth(query, parts));
  const checks = checksOf(parts.member);
  for (const type of checkTypes) {
    add(`/${type}`, (query) => {
      const all = checks[type];
      return runChecks(type, query, leftOver(all, given(query, "exclude"), parts.log), parts);
    });
    for (const one of checks[type])
      add(`/${type}/${one[0]}`, (query) => runChecks(type, query, new Map([one]), parts));
  }
  return routes;
}

/** The older form: one word and a reason. */
async function wholeHealth(query: URLSearchParams, { member, metrics, log }: HealthParts): Promise<Answer> {
  const serializable = query.get("serializable") === "true";
  const { healthy, reason } = await health(member, { excluded: given(query, "exclude"), serializable });
  metrics.whole(healthy);
  const body = JSON.stringify({ health: String(healthy), reason });
  if (healthy) return plain(200, body);
  log.warn("/health error", { output: body, "status-code": 503 });
  return failure(503, body);
}

/** A check that is not there may be excluded: another version may have it. */
function leftOver(
  all: ReadonlyMap<string, Check>,
  excluded: readonly string[],
  log: Log,
): ReadonlyMap<string, Check> {
  const unknown = excluded.filter((name) => !all.has(name));
  if (unknown.length > 0)
    log.warn("some health checks cannot be excluded", { "missing-health-checks": unknown });
  return new Map([...all].filter(([name]) => !excluded.includes(name)));
}

/** Kubernetes' form: `ok`, with `?verbose` behind a line for each check; those lines alone where one failed. */
async function runChecks(
  type: CheckType,
  query: URLSearchParams,
  checks: ReadonlyMap<string, Check>,
  { metrics, log }: HealthParts,
): Promise<Answer> {
  const lines = await Promise.all(
    [...checks].map(async ([name, check]) => {
      const problem = await check();
      metrics.checked(type, name, problem === undefined);
      return problem === undefined
        ? { isOk: true, text: `[+]${name} ok\n` }
        : { isOk: false, text: `[-]${name} failed: ${problem}\n` };
    }),
  );
  const text = lines.map((line) => line.text).join("");
  if (!lines.every(({ isOk }) => isOk)) {
    log.error("Health check error", { path: `/${type}`, reason: text, "status-code": 503 });
    return failure(503, text);
  }
  return {
    ...plain(200, `${query.has("verbose") ? text : ""}ok\n`),
    headers: { "x-content-type-options": "nosniff" },
  };
}
