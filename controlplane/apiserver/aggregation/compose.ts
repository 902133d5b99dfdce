import type { Meter } from "../../../base/os/metrics.ts";
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

/** Groups that other servers serve, joined with this server's own. */
export function composeAggregation(
  handlers: HandlerDeps,
  {
    certificate,
    builtIn,
    meter,
  }: {
    readonly certificate: ProxyCertificate;
    readonly builtIn: readonly Kind[];
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
    delegate: (exchange) => {
      const remote = remoteFor(exchange.info, table);
      return remote && passOn(exchange, remote, deps);
    },
    upgrade: async ({ info, user, ...upgrade }) => {
      const remote = remoteFor(info, table);
      if (remote === undefined) return false;
      await passUpgradeOn(upgrade, { remote, user }, deps);
      return true;
    },
    serves: (info) => remoteFor(info, table) !== undefined,
    elsewhere: new Elsewhere(deps),
    isReady: () => ready,
    run: (signal) => followServices({ ...deps, registry: handlers, builtIn, availability, onReady }, signal),
    close: () => client.close(),
  };
}
