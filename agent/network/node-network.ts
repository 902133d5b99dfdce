import { contains, overlap, parseIpv4, parseIpv4Range } from "../../base/ipv4.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { EventRecorder } from "../../client/events.ts";
import { resources } from "../../client/resources.ts";
import type { Node } from "../../client/types.ts";
import type { NodeNetworkConfig, StartNodeNetwork } from "../network-seam.ts";
import { fenceBridge } from "./bridge-fence.ts";
import { openBridgePods, takeBridgeAddress } from "./bridge-pods.ts";
import { openFlowForgetter } from "./conntrack.ts";
import { openHostPorts } from "./host-ports.ts";
import { openLoopbackPods } from "./loopback-pods.ts";
import { openApplier, openLiveApplier } from "./nft-applier.ts";
import { NetworkPolicies } from "./policies/network-policies.ts";
import { noIsolation } from "./policies/pod-isolation.ts";
import { followUnenforcedPolicies } from "./policies/unenforced-policies.ts";
import { hasProgram, runProgram } from "./programs.ts";

/** Connects this node's pods, and routes to other nodes' pods through those nodes. */
export const startNodeNetwork: StartNodeNetwork = async (config, { os, client, informers }) => {
  const log = os.log.child("network");
  const tasks = new TaskScope(log);
  const running = { done: tasks.untilStopped(), stop: () => tasks.stop() };
  const events = new EventRecorder(
    { component: "network-policy", host: config.nodeName },
    { client, clock: os.clock, random: os.random, log },
  );
  tasks.run("events", (signal) => events.run(signal));
  const leavePolicies = (why: string) =>
    followUnenforcedPolicies({ nodeName: config.nodeName, why }, { informers, events, log });
  if (config.mode === "loopback") {
    const leave = leavePolicies("its pods are plain processes");
    return {
      done: running.done,
      pods: openLoopbackPods(config),
      // Every address of 127/8 is the machine's own already.
      takeAddress: async () => undefined,
      async stop() {
        leave();
        await tasks.stop();
      },
    };
  }

  const withNft = await hasProgram("nft");
  if (!withNft) log.warn("host ports need nftables; pods that ask for them are not reachable there");
  const hostPorts = withNft
    ? openHostPorts(openApplier("pintle-host-ports"), config)
    : { set: async () => undefined, remove: async () => undefined };
  const leave = withNft ? () => undefined : leavePolicies("nftables (nft) is not installed");
  const isolation = withNft
    ? new NetworkPolicies(config, {
        informers,
        events,
        clock: os.clock,
        log,
        tasks,
        openApplier: (ruleset) => openLiveApplier("pintle-policies", ruleset),
        forgetFlows: openFlowForgetter(log),
      })
    : noIsolation;
  const pods = await openBridgePods(config, os, {
    hostPorts,
    isolation,
    fence: withNft ? fenceBridge : async () => undefined,
  });

  const routes = new Map<string, string>();
  let queue: Promise<void> = Promise.resolve();
  const follow = (node: Node) => {
    const route = node.metadata.name === config.nodeName ? undefined : routeTo(node, config);
    queue = queue.then(() => setRoute(node.metadata.name, route));
  };
  const setRoute = async (name: string, route: string | undefined) => {
    const before = routes.get(name);
    if (before === route) return;
    try {
      if (before !== undefined) await runProgram("ip", ["route", "del", ...before.split(" ")]);
      if (route !== undefined) await runProgram("ip", ["route", "replace", ...route.split(" ")]);
      if (route === undefined) routes.delete(name);
      else routes.set(name, route);
    } catch (error) {
      log.warn("cannot route to another node's pods", { node: name, route, error });
    }
  };
  const unsubscribe = informers.informer(resources.nodes).subscribe({
    onAdd: follow,
    onUpdate: follow,
    onDelete: (node) => {
      queue = queue.then(() => setRoute(node.metadata.name, undefined));
    },
  });
  return {
    done: running.done,
    pods,
    takeAddress: takeBridgeAddress,
    async stop() {
      leave();
      unsubscribe();
      await queue;
      await tasks.stop();
    },
  };
};

/** `RANGE via ADDRESS` for a node that has both. Nodes write these themselves: a range that is no range of pods, or takes in
 *  ours, leads nowhere. */
function routeTo(node: Node, config: NodeNetworkConfig): string | undefined {
  const row = node.status?.addresses?.find(({ type, address }) => type === "InternalIP" && isIpv4(address));
  const range = parseIpv4Range(node.spec?.podCIDR ?? "");
  const own = parseIpv4Range(config.podCidr);
  const all = parseIpv4Range(config.clusterCidr ?? "");
  if (row === undefined || range === undefined || range.prefixBits < 8) return undefined;
  if (own !== undefined && overlap(own, range)) return undefined;
  if (all !== undefined && !(contains(all, range.first) && range.size <= all.size)) return undefined;
  return `${range.text} via ${row.address}`;
}

const isIpv4 = (text: string) => parseIpv4(text) !== undefined;
