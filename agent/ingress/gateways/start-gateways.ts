import type { Os } from "../../../base/os/os.ts";
import type { TaskScope } from "../../../base/os/task-scope.ts";
import type { ApiClient } from "../../../client/api.ts";
import type { EventRecorder } from "../../../client/events.ts";
import { GatewayFeed } from "../../../client/gateway/gateway-feed.ts";
import type { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { ConfigMap, Secret } from "../../../client/types.ts";
import { FollowedKind } from "../../sync/followed-kind.ts";
import type { BackendEndpoints } from "../backend-endpoints.ts";
import type { Serving } from "../serving.ts";
import { GatewayControl } from "./gateway-control.ts";
import { GatewayFronts } from "./gateway-fronts.ts";

export interface GatewaysParts {
  readonly os: Os;
  readonly client: ApiClient;
  readonly informers: InformerFactory;
  readonly tasks: TaskScope;
  readonly events: Pick<EventRecorder, "record">;
  readonly serving: Serving;
  readonly backends: BackendEndpoints;
  readonly secrets: Pick<FollowedKind<Secret>, "add" | "forget" | "peek">;
  /** Something is to be carried out. */
  readonly wake: () => void;
}

/** Has the node answer for Gateways of our classes, by what answers for Ingresses. */
export function startGateways(
  config: { readonly nodeName: string },
  parts: GatewaysParts,
): { readonly control: GatewayControl; readonly fronts: GatewayFronts; readonly run: () => void } {
  const { os, client, informers, tasks, events, serving, backends, secrets, wake } = parts;
  const log = os.log.child("gateway");
  const feed = new GatewayFeed({ informers, log, onChange: () => control.changed() });
  // Those that policies have authorities from.
  const configMaps = new FollowedKind<ConfigMap>(
    resources.configmaps,
    { client, clock: os.clock, random: os.random, log },
    { tasks, onChange: () => control.changed(), tellsFirst: true },
  );
  const control: GatewayControl = new GatewayControl({
    feed,
    services: informers.informer(resources.services),
    namespaces: () => informers.informer(resources.namespaces),
    backends,
    secrets,
    configMaps,
    apply: (change) => serving.apply(change),
    wake,
  });
  const fronts = new GatewayFronts({
    ...config,
    serving,
    wanted: () => control.ports,
    isWaiting: (entry) => control.isWaiting(entry),
    nodes: informers.informer(resources.nodes),
    client,
    events,
    clock: os.clock,
    log,
  });
  return {
    control,
    fronts,
    run() {
      control.follow();
      tasks.run("gateway api", (signal) => feed.run(signal));
      tasks.run("ports of gateways", (signal) => fronts.run(signal));
    },
  };
}
