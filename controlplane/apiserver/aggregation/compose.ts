import type { Meter } from "../../../base/os/metrics.ts";
import type { RuledGroups } from "../custommetrics/ruled-groups.ts";
import type { HandlerDeps } from "../handlers/call.ts";
import type { Kind } from "../registry/kind.ts";
import type { Delegate, ServerDeps } from "../server.ts";
import { AvailabilityMetrics } from "./availability-metrics.ts";
import { Elsewhere } from "./elsewhere.ts";
import { followServices } from "./follow-services.ts";
import { passOn, passUpgradeOn, remoteFor } from "./proxy.ts";
import { type ProxyCertificate, RemoteClient } from "./remote-client.ts";
import { ServiceTable } from "./service-table.ts";

export interface Aggregation {
  readonly delegate: Delegate;
  /** False: the connection is this server's own to take over. */
  readonly upgrade: ServerDeps["upgradeElsewhere"];
  readonly serves: ServerDeps["isElsewhere"];
  readonly elsewhere: Elsewhere;
  readonly isReady: () => boolean;
  run(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Groups that other servers serve, and those that come of a rule file, joined with this server's own: what an add-on serves some
 *  version of is the add-on's. */
export function composeAggregation(
  handlers: HandlerDeps,
  {
    certificate,
    builtIn,
    ruled,
    meter,
  }: {
    readonly certificate: ProxyCertificate;
    readonly builtIn: readonly Kind[];
    /** Absent: there are no rules. */
    readonly ruled: RuledGroups | undefined;
    readonly meter: Meter;
  },
): Aggregation {
  const table = new ServiceTable();
  const client = new RemoteClient(handlers.dialer, certificate);
  const { clock } = handlers;
  const deps = { table, client, clock };
  const availability = new AvailabilityMetrics(meter);
  let ready = false;
  const onReady = () => {
    ready = true;
  };
  return {
    delegate: (exchange, server) => {
      const remote = remoteFor(exchange.info, table);
      if (remote !== undefined) return passOn(exchange, remote, deps);
      const { group = "" } = exchange.info.resource ?? {};
      return table.hasGroup(group) ? undefined : ruled?.delegate(exchange, server);
    },
    upgrade: async ({ info, user, ...upgrade }) => {
      const remote = remoteFor(info, table);
      if (remote === undefined) return false;
      await passUpgradeOn(upgrade, { remote, user }, deps);
      return true;
    },
    serves: (info) => remoteFor(info, table) !== undefined,
    elsewhere: new Elsewhere({ ...deps, ruled }),
    isReady: () => ready,
    run: (signal) =>
      followServices(
        { ...deps, registry: handlers, builtIn, ruled: ruled?.versions ?? [], availability, onReady },
        signal,
      ),
    close: () => client.close(),
  };
}
