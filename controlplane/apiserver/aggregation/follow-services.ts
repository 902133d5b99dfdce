import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { sleep } from "../../../base/os/clock.ts";
import type { APIService, EndpointSlice, KubeObject, Service } from "../../../client/types.ts";
import { type Address, storedObject, storedObjects } from "../admission/stored-lookup.ts";
import { ApiError } from "../api-error.ts";
import type { KindCache } from "../cache/kind-cache.ts";
import type { RuledVersion } from "../custommetrics/ruled-groups.ts";
import type { Kind } from "../registry/kind.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { updateObject } from "../registry/update-object.ts";
import type { ProbeDeps } from "./ask.ts";
import { failedCheck, obstacle, passed } from "./availability.ts";
import type { AvailabilityMetrics } from "./availability-metrics.ts";
import { type Availability, localCondition, setAvailability } from "./conditions.ts";
import { keepLocalServices, localServices } from "./local-services.ts";
import { probe } from "./probe.ts";
import type { RemoteVersion, ServiceTable } from "./service-table.ts";

export interface FollowDeps extends ProbeDeps {
  readonly registry: RegistryDeps;
  readonly table: ServiceTable;
  readonly builtIn: readonly Kind[];
  /** Served here by a rule file. */
  readonly ruled: readonly RuledVersion[];
  readonly availability: AvailabilityMetrics;
  /** Told once the APIServices are in use. */
  readonly onReady: () => void;
}

const retry: BackoffOptions = { firstMs: 50, mostMs: 5_000 };
/** How often remote servers are asked whether they are there, */
const probeEveryMs = 30_000;
/** at most, whatever changes. */
const probeGapMs = 500;
/** How soon those that are not there are asked again. */
const failedProbeMs = 2_000;
/** How many are asked at once. */
const probesAtOnceMax = 8;

/** Keeps the table of APIServices, those of what is served here, and the conditions of the others. Every server does the same:
 *  whoever comes second finds it done. Runs until the signal aborts. */
export async function followServices(deps: FollowDeps, signal: AbortSignal): Promise<void> {
  const { registry, clock } = deps;
  const kind = registry.kinds.named("apiregistration.k8s.io", "apiservices")?.kind;
  const watched = [
    registry.kinds.named("", "services")?.kind,
    registry.kinds.named("discovery.k8s.io", "endpointslices")?.kind,
  ];
  if (kind === undefined) return;
  let failures = 0;
  let atStart = true;
  while (!signal.aborted) {
    const wake = new AbortController();
    const stops: (() => void)[] = [];
    const onAbort = () => wake.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const services = await registry.hub.cache(kind);
      const all = () => services.list(services.prefix).map(({ object }) => object as unknown as APIService);
      // Requests go by what is stored as soon as it is, whatever is being asked meanwhile.
      const renew = () => {
        deps.table.replace(all());
        wake.abort();
      };
      stops.push(services.listen({ wake: renew, end: onAbort }), registry.kinds.onChange(onAbort));
      const wanted = localServices(registry.kinds, deps.builtIn, deps.ruled);
      await keepLocalServices(registry, kind, { wanted, atStart });
      atStart = false;
      deps.table.replace(all());
      deps.client.keep(deps.table.remotes);
      deps.onReady();
      const { remotes } = deps.table;
      if (remotes.length > 0)
        for (const one of watched)
          if (one !== undefined) stops.push(listen(await registry.hub.cache(one), wake));
      const allWell = await judge(deps, kind, { all: all(), remotes, signal });
      failures = 0;
      if (remotes.length > 0) await sleep(clock, probeGapMs, signal);
      const waitMs = remotes.length === 0 ? undefined : allWell ? probeEveryMs : failedProbeMs;
      await untilWoken(deps, wake.signal, waitMs);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      registry.log.warn("cannot keep the API services up to date", { error, failures });
      await sleep(clock, backoffMs(retry, failures, registry.random), signal).catch(() => undefined); // aborted: the loop looks for it
    } finally {
      signal.removeEventListener("abort", onAbort);
      for (const stop of stops) stop();
    }
  }
}

function listen(cache: KindCache, wake: AbortController): () => void {
  const stop = () => wake.abort();
  return cache.listen({ wake: stop, end: stop });
}

async function untilWoken(
  { clock }: FollowDeps,
  wake: AbortSignal,
  waitMs: number | undefined,
): Promise<void> {
  if (wake.aborted) return;
  if (waitMs !== undefined) return sleep(clock, waitMs, wake).catch(() => undefined); // woken
  await new Promise<void>((resolve) => wake.addEventListener("abort", () => resolve(), { once: true }));
}

interface Judged {
  readonly all: readonly APIService[];
  readonly remotes: readonly RemoteVersion[];
  readonly signal: AbortSignal;
}

/** False: some are not there. */
async function judge(deps: FollowDeps, kind: Kind, { all, remotes, signal }: Judged): Promise<boolean> {
  deps.availability.keep(new Set(all.map(({ metadata }) => metadata.name)));
  for (const service of all) {
    if (service.spec.service !== undefined) continue;
    deps.availability.judged(service.metadata.name, localCondition);
    await note(deps, kind, service, localCondition);
  }
  const left = [...remotes];
  let allWell = true;
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const verdict = await verdictOn(deps, one, signal);
      if (signal.aborted) return;
      if (verdict.status !== "True") allWell = false;
      const { name } = one;
      deps.availability.judged(name, verdict);
      const service = all.find(({ metadata }) => metadata.name === name);
      if (service !== undefined) await note(deps, kind, service, verdict);
    }
  };
  await Promise.all(Array.from({ length: probesAtOnceMax }, worker));
  return allWell;
}

async function verdictOn(
  deps: FollowDeps,
  remote: RemoteVersion,
  signal: AbortSignal,
): Promise<Availability> {
  const { registry, table } = deps;
  const { namespace, name } = remote.service;
  const place: Address = { group: "", plural: "services", namespace, name };
  const slices = { group: "discovery.k8s.io", plural: "endpointslices", namespace };
  const isOwn = ({ metadata }: KubeObject) => metadata.labels?.["kubernetes.io/service-name"] === name;
  const problem = obstacle(remote, {
    service: (await storedObject(registry, place)) as Service | undefined,
    slices: (await storedObjects(registry, slices)).filter(isOwn) as unknown as readonly EndpointSlice[],
  });
  if (problem !== undefined) return problem;
  const found = await probe(remote, { ...deps, before: table.documents(remote) }, signal);
  if ("problem" in found) return failedCheck(found.problem);
  table.setDocuments(remote, found.documents);
  return passed;
}

async function note(
  deps: FollowDeps,
  kind: Kind,
  service: APIService,
  condition: Availability,
): Promise<void> {
  const { registry } = deps;
  const now = rfc3339(registry.clock.wallMs());
  if (!setAvailability(structuredClone(service), condition, now)) return;
  const { name } = service.metadata;
  const change = (current: KubeObject) => {
    const next = current as unknown as APIService;
    const same = JSON.stringify(next.spec) === JSON.stringify(service.spec);
    if (same) setAvailability(next, condition, now);
    return current;
  };
  try {
    await updateObject(registry, kind, { namespace: "", name }, change, {
      dryRun: false,
      via: "server",
      by: serverRequester,
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === "NotFound")) throw error; // it is gone
  }
}
