import { parseAddress } from "../../../base/ip-range.ts";
import type { IpSpan } from "../../../base/ip-spans.ts";
import { sleep } from "../../../base/os/clock.ts";
import type { Os, Running } from "../../../base/os/os.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { ApiClient } from "../../../client/api.ts";
import type { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import { isLeftOut, poolAddressesOf } from "../../../client/rules/load-balancer.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { hasProgram, ipBatch } from "../programs.ts";
import { Campaigns } from "./campaigns.ts";
import { LentAddresses } from "./lent-addresses.ts";
import { keepsToNodes, planAnnouncements } from "./plan-announcements.ts";
import { announce, type Link, linkWith } from "./tell-neighbours.ts";

export interface AnnouncerConfig {
  readonly nodeName: string;
  /** One of each family that the node has. The link that has it is the one whose neighbours ask. */
  readonly nodeIps: readonly string[];
  readonly mode: "bridge" | "cni" | "loopback";
  readonly pool: readonly IpSpan[];
}

const gatherMs = 30;
const poolIndex = "announcer-pool-address";
const sliceIndex = "announcer-service";
const serviceLabel = "kubernetes.io/service-name";

/** Answers at the addresses of load balancers whose Leases this node gets. Stopping gives them up. */
export async function startAnnouncer(
  config: AnnouncerConfig,
  {
    os,
    client,
    informers,
  }: { readonly os: Os; readonly client: ApiClient; readonly informers: InformerFactory },
): Promise<Running> {
  const log = os.log.child("announcer");
  const tasks = new TaskScope(log);
  const running = { done: tasks.untilStopped(), stop: () => tasks.stop() };
  const why = await obstacle(config);
  const places = why === undefined ? await placesOf(config.nodeIps, os) : new Map<IpFamilyVersion, Place>();
  if (places.size === 0) {
    log.warn("this node answers at no load balancer's address", {
      why: why ?? `no link with neighbours has ${config.nodeIps.join(" or ")}`,
    });
    return running;
  }
  const pool = config.pool.filter(({ family }) => places.has(family));
  const placeOf = (address: string): Place => {
    const place = places.get(parseAddress(address)?.family ?? 4);
    if (place === undefined)
      throw new Error(`no link of this node has addresses of the family of ${address}`);
    return place;
  };
  const campaigns = new Campaigns({
    nodeName: config.nodeName,
    os: { ...os, log },
    client,
    tasks,
    keeper: {
      hold: (address, untilMs) => placeOf(address).lent.hold(address, untilMs),
      drop: (address) => placeOf(address).lent.drop(address),
      announce: (address) => announce(placeOf(address).link, address),
    },
  });

  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const nodes = informers.informer(resources.nodes);
  services.addIndex(poolIndex, (service) => (poolAddressesOf(service).length === 0 ? [] : [poolIndex]));
  slices.addIndex(sliceIndex, (slice) => [serviceOf(slice)]);
  let dirty = true;
  let wake: () => void = () => undefined;
  const touch = () => {
    dirty = true;
    wake();
  };
  const ofService = (service: Service) => {
    if (poolAddressesOf(service).length > 0) touch();
  };
  const ofSlice = (slice: EndpointSlice) => {
    const { namespace, labels } = slice.metadata;
    const service = services.get({ namespace, name: labels?.[serviceLabel] ?? "" });
    if (service !== undefined && keepsToNodes(service)) ofService(service);
  };
  const unsubscribe = [
    services.subscribe({
      onAdd: ofService,
      onDelete: ofService,
      onUpdate: (next, previous) => {
        ofService(next);
        ofService(previous);
      },
    }),
    slices.subscribe({ onAdd: ofSlice, onUpdate: ofSlice, onDelete: ofSlice }),
    nodes.subscribe({
      onAdd: touch,
      onDelete: touch,
      onUpdate: (next: Node, previous: Node) => {
        if (isLeftOut(next) !== isLeftOut(previous)) touch();
      },
    }),
  ];
  tasks.run("plan", async (signal) => {
    signal.addEventListener("abort", () => wake(), { once: true });
    await Promise.all([services.synced(signal), slices.synced(signal), nodes.synced(signal)]);
    while (!signal.aborted) {
      if (!dirty) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (signal.aborted) return;
        await sleep(os.clock, gatherMs, signal);
      }
      dirty = false;
      campaigns.update(
        planAnnouncements({
          nodeName: config.nodeName,
          services: services.byIndex(poolIndex, poolIndex),
          slicesOf: ({ metadata }) => slices.byIndex(sliceIndex, `${metadata.namespace}/${metadata.name}`),
          nodes: nodes.list(),
          pool,
        }),
      );
    }
  });
  return {
    done: running.done,
    async stop() {
      for (const off of unsubscribe) off();
      await running.stop();
    },
  };
}

const serviceOf = ({ metadata }: EndpointSlice): string =>
  `${metadata.namespace}/${metadata.labels?.[serviceLabel] ?? ""}`;

type IpFamilyVersion = 4 | 6;

/** Where this node can answer. */
interface Place {
  readonly link: Link;
  readonly lent: LentAddresses;
}

/** By the family. */
async function placesOf(
  nodeIps: readonly string[],
  { clock }: Pick<Os, "clock">,
): Promise<ReadonlyMap<IpFamilyVersion, Place>> {
  const places = new Map<IpFamilyVersion, Place>();
  for (const nodeIp of nodeIps) {
    const family = parseAddress(nodeIp)?.family;
    const link = await linkWith(nodeIp);
    if (family === undefined || link === undefined) continue;
    const lent = new LentAddresses({ clock, link: link.name, ip: (lines) => ipBatch(lines) });
    places.set(family, { link, lent });
  }
  return places;
}

/** Why no node of its kind can; undefined: it may. */
async function obstacle({ mode }: AnnouncerConfig): Promise<string | undefined> {
  if (mode === "loopback") return "pods are plain processes";
  return (await hasProgram("nft")) ? undefined : "nft is not installed";
}
