import { isAlreadyExists, isConflict, isNotFound } from "../../../client/api-error.ts";
import { authorityMaps, tlsPolicies } from "../../../client/gateway/backend-tls.ts";
import { GatewayFeed } from "../../../client/gateway/gateway-feed.ts";
import { gatewayGroup, gatewayResources } from "../../../client/gateway/gateway-types.ts";
import { type GatewayView, ownGateways } from "../../../client/gateway/listeners.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { balancedCondition } from "../../../client/rules/load-balancer.ts";
import type {
  ConfigMap,
  EndpointSlice,
  Namespace,
  Node,
  Resource,
  Secret,
  Service,
} from "../../../client/types.ts";
import { conditionOf } from "../conditions.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { doAll } from "../do-all.ts";
import { canonicalJson } from "../template-hash.ts";
import {
  answeredPorts,
  changedService,
  gatewayLabel,
  isAnswered,
  isOf,
  managedByLabel,
  manager,
  nodeFacts,
  type SliceDraft,
  serviceName,
  sliceFacts,
  wantedService,
  wantedSlices,
} from "./plan-gateway-services.ts";
import { classStatus, planStatuses } from "./plan-gateway-status.ts";

const ownServices = "gateway-services";
const ownSlices = "gateway-slices";
/** All are looked at together: what one route does to a listener's status depends on others. */
const everything = "gateways";
/** Changes arriving within this time are looked at together. */
const gatherMs = 50;

/** Gives Gateways of our classes their addresses, and writes the statuses of all of Gateway API that is ours. */
export const gatewayController: Controller = {
  name: "gateway-controller",
  workers: 1,
  setUp(context, queue) {
    const { informers, tasks, log } = context;
    const wake = () => queue.addAfter(everything, gatherMs);
    const feed = new GatewayFeed({ informers, log, onChange: wake });
    const services = informers.informer(resources.services);
    const slices = informers.informer(resources.endpointslices);
    const nodes = informers.informer(resources.nodes);
    const namespaces = informers.informer(resources.namespaces);
    const secrets = informers.informer(resources.secrets);
    services.addIndex(ownServices, ({ metadata }) => (metadata.labels?.[gatewayLabel] ? [ownServices] : []));
    slices.addIndex(ownSlices, ({ metadata }) =>
      metadata.labels?.[managedByLabel] === manager ? [ownSlices] : [],
    );
    const ifWanted = () => {
      if (feed.gateways.length > 0) wake();
    };
    const any = { onAdd: ifWanted, onUpdate: ifWanted, onDelete: ifWanted };
    services.subscribe(any);
    namespaces.subscribe(any);
    secrets.subscribe(any);
    const ifOurs = ({ metadata }: EndpointSlice) => {
      if (metadata.labels?.[managedByLabel] === manager) ifWanted();
    };
    slices.subscribe({ onAdd: ifOurs, onUpdate: ifOurs, onDelete: ifOurs });
    nodes.subscribe({
      ...any,
      onUpdate: (next, previous) => {
        if (nodeFacts(next) !== nodeFacts(previous)) ifWanted();
      },
    });
    tasks.run("gateway api", (signal) => feed.run(signal));

    let maps: Informer<ConfigMap> | undefined;
    /** Followed from when some policy has authorities from one. */
    const configMap = (key: string) => {
      maps ??= followMaps();
      return maps.getByKey(key);
    };
    const followMaps = () => {
      const informer = informers.ownInformer(tasks, resources.configmaps, { keep: onlyAuthorities });
      informer.subscribe(any);
      tasks.run("first state of authorities", async (signal) => {
        await informer.synced(signal);
        wake();
      });
      return informer;
    };
    const look = { feed, services, slices, nodes, namespaces, secrets, configMap };
    return async () => {
      if (!feed.isRead) return undefined;
      if (feed.policies.some((one) => authorityMaps(one).length > 0)) maps ??= followMaps();
      if (maps !== undefined && !maps.hasSynced) return undefined;
      const views = ownGateways(feed.gateways, feed.classes, feed.grants);
      await doAll([keepServices, writeStatuses], (act) => act(context, look, views));
      return undefined;
    };
  },
};

interface Look {
  readonly feed: GatewayFeed;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
  readonly secrets: Informer<Secret>;
  /** By `namespace/name`. */
  readonly configMap: (key: string) => ConfigMap | undefined;
}

/** What else they hold is of no concern. */
const onlyAuthorities = ({ apiVersion, kind, metadata, data }: ConfigMap): ConfigMap => {
  const text = data?.["ca.crt"];
  return { apiVersion, kind, metadata, ...(text !== undefined && { data: { "ca.crt": text } }) };
};

async function keepServices(
  { client, config }: ControllerContext,
  { services, slices, nodes }: Look,
  views: readonly GatewayView[],
): Promise<void> {
  const hasPool = (config.balancing?.pool.length ?? 0) > 0;
  const wantedKeys = new Set<string>();
  const sliceKeys = new Set<string>();
  const acts: (() => Promise<unknown>)[] = [];
  for (const view of views) {
    const wanted = wantedService(view, hasPool);
    if (wanted === undefined) continue;
    const key = `${wanted.metadata.namespace}/${wanted.metadata.name}`;
    wantedKeys.add(key);
    const current = services.getByKey(key);
    if (current === undefined) acts.push(() => client.create(resources.services, wanted));
    else if (isOf(current, wanted)) {
      const changed = changedService(current, wanted);
      if (changed !== undefined) acts.push(() => client.update(resources.services, changed));
      for (const slice of wantedSlices(view.gateway, current, nodes.list())) {
        sliceKeys.add(`${slice.metadata.namespace}/${slice.metadata.name}`);
        acts.push(() => keepSlice(client, slices, slice));
      }
    }
  }
  for (const { metadata } of services.byIndex(ownServices, ownServices))
    if (!wantedKeys.has(keyOf({ metadata })) && isMadeHere(metadata))
      acts.push(() => client.delete(resources.services, refOf(metadata)));
  for (const { metadata } of slices.byIndex(ownSlices, ownSlices))
    if (!sliceKeys.has(keyOf({ metadata })))
      acts.push(() => client.delete(resources.endpointslices, refOf(metadata)));
  await doAll(acts, (act) => act().catch(unlessMeanwhile));
}

async function keepSlice(
  client: ControllerContext["client"],
  slices: Informer<EndpointSlice>,
  wanted: SliceDraft,
): Promise<unknown> {
  const current = slices.getByKey(`${wanted.metadata.namespace}/${wanted.metadata.name}`);
  if (current === undefined) return client.create(resources.endpointslices, wanted);
  if (sliceFacts(current) === sliceFacts(wanted)) return undefined;
  const { endpoints, ports } = wanted;
  return client.update(resources.endpointslices, {
    ...current,
    ...(endpoints && { endpoints }),
    ...(ports && { ports }),
  });
}

/** Whoever else puts our label on a Service keeps it. */
const isMadeHere = ({ ownerReferences = [] }: Service["metadata"]) =>
  ownerReferences.some(
    ({ kind, apiVersion, controller }) =>
      controller === true && kind === "Gateway" && apiVersion.startsWith(`${gatewayGroup}/`),
  );

const refOf = ({ namespace = "", name }: Service["metadata"]) => ({ namespace, name });

/** What somebody changed meanwhile is looked at again once that is seen here. */
function unlessMeanwhile(error: unknown): undefined {
  if (isNotFound(error) || isConflict(error) || isAlreadyExists(error)) return undefined;
  throw error;
}

async function writeStatuses(
  { client, clock }: ControllerContext,
  { feed, services, slices, namespaces, secrets, configMap }: Look,
  views: readonly GatewayView[],
): Promise<void> {
  const nowMs = clock.wallMs();
  const ofServices = new Map<string, EndpointSlice[]>();
  for (const slice of slices.byIndex(ownSlices, ownSlices)) {
    const key = `${slice.metadata.namespace}/${slice.metadata.labels?.["kubernetes.io/service-name"]}`;
    ofServices.set(key, [...(ofServices.get(key) ?? []), slice]);
  }
  const { gateways, routes, policies } = planStatuses({
    gateways: views,
    routes: feed.routes,
    grants: feed.grants,
    policies: tlsPolicies(feed.policies, configMap),
    nowMs,
    service: (key) => services.getByKey(key),
    secret: (key) => secrets.getByKey(key),
    namespaceLabels: (name) => {
      const found = namespaces.getByKey(name);
      return found && (found.metadata.labels ?? {});
    },
    served({ gateway }) {
      const key = `${gateway.metadata.namespace}/${serviceName(gateway)}`;
      const service = services.getByKey(key);
      const answered = answeredPorts(ofServices.get(key) ?? []);
      return {
        addresses: addressesOf(service),
        isAnswered: (port) => isAnswered(answered, port),
        why:
          conditionOf(service?.status?.conditions, balancedCondition)?.message ??
          `service ${key} has none yet`,
      };
    },
  });
  const acts = [
    ...feed.classes.map(
      (one) => () => write(client, gatewayResources.gatewayclasses, one, classStatus(one, nowMs)),
    ),
    ...gateways.map(
      ({ gateway, status }) =>
        () =>
          write(client, gatewayResources.gateways, gateway, status),
    ),
    ...routes.map(
      ({ of, status }) =>
        () =>
          of.kind === "HTTPRoute"
            ? write(client, gatewayResources.httproutes, of.route, status)
            : write(client, gatewayResources.grpcroutes, of.route, status),
    ),
    ...policies.map(
      ({ policy, status }) =>
        () =>
          write(client, gatewayResources.backendtlspolicies, policy, status),
    ),
  ];
  await doAll(acts, (act) => act().catch(unlessMeanwhile));
}

async function write<Status, T extends { readonly status?: Status; readonly metadata: object }>(
  client: ControllerContext["client"],
  resource: Resource<T>,
  object: T,
  status: Status,
): Promise<void> {
  if (canonicalJson(status ?? {}) === canonicalJson(object.status ?? {})) return;
  await client.updateStatus(resource, { ...object, status } as never);
}

function addressesOf(
  service: Service | undefined,
): readonly { readonly type: string; readonly value: string }[] {
  return (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => [
    ...(ip ? [{ type: "IPAddress", value: ip }] : []),
    ...(hostname ? [{ type: "Hostname", value: hostname }] : []),
  ]);
}
