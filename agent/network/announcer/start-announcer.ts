import type { Ipv4Span } from "../../../base/ipv4-spans.ts";
import { sleep } from "../../../base/os/clock.ts";
import type { Os, Running } from "../../../base/os/os.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { ApiClient } from "../../../client/api.ts";
import type { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import { isLeftOut, poolAddressOf } from "../../../client/rules/load-balancer.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { hasProgram, ipBatch } from "../programs.ts";
import { Campaigns } from "./campaigns.ts";
import { announce, linkWith } from "./gratuitous-arp.ts";
import { LentAddresses } from "./lent-addresses.ts";
import { keepsToNodes, planAnnouncements } from "./plan-announcements.ts";

export interface AnnouncerConfig {
  readonly nodeName: string;
  /** The link that has it is the one whose neighbours ask. */
  readonly nodeIp: string;
  readonly mode: "bridge" | "cni" | "loopback";
  readonly pool: readonly Ipv4Span[];
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
  const link = why === undefined ? await linkWith(config.nodeIp) : undefined;
  if (link === undefined) {
    log.warn("this node answers at no load balancer's address", {
      why: why ?? `no link with neighbours has ${config.nodeIp}`,
    });
    return running;
  }
  const lent = new LentAddresses({ clock: os.clock, link: link.name, ip: (lines) => ipBatch(lines) });
  const campaigns = new Campaigns({
    nodeName: config.nodeName,
    os: { ...os, log },
    client,
    tasks,
    keeper: {
      hold: (address, untilMs) => lent.hold(address, untilMs),
      drop: (address) => lent.drop(address),
      announce: (address) => announce(link, address),
    },
  });

  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const nodes = informers.informer(resources.nodes);
  services.addIndex(poolIndex, (service) => (poolAddressOf(service) === undefined ? [] : [poolIndex]));
  slices.addIndex(sliceIndex, (slice) => [serviceOf(slice)]);
  let dirty = true;
  let wake: () => void = () => undefined;
  const touch = () => {
    dirty = true;
    wake();
  };
  const ofService = (service: Service) => {
    if (poolAddressOf(service) !== undefined) touch();
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
          pool: config.pool,
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

/** Why no node of its kind can; undefined: it may. */
async function obstacle({ mode }: AnnouncerConfig): Promise<string | undefined> {
  if (mode === "loopback") return "pods are plain processes";
  return (await hasProgram("nft")) ? undefined : "nft is not installed";
}
