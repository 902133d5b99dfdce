import { TaskScope } from "../../base/os/task-scope.ts";
import { EventRecorder } from "../../client/events.ts";
import type { StartNodeNetwork } from "../network-seam.ts";
import { fenceBridge } from "./bridge-fence.ts";
import { openBridgePods } from "./bridge-pods.ts";
import { startCniNetwork } from "./cni/start-cni-network.ts";
import { openFlowForgetter } from "./conntrack.ts";
import { familySides } from "./family-sides.ts";
import { noHostPorts, openHostPorts } from "./host-ports.ts";
import { removeLeftIpv6Tables } from "./left-tables.ts";
import type { LiveRuleset } from "./live-ruleset.ts";
import { openLoopbackPods } from "./loopback-pods.ts";
import { routeLoopbackTo } from "./loopback-route.ts";
import { openApplier, openLiveApplier } from "./nft-applier.ts";
import { followPeers } from "./peers/follow-peers.ts";
import { takeBridgeAddress } from "./pod-bridge.ts";
import { NetworkPolicies } from "./policies/network-policies.ts";
import { noIsolation } from "./policies/pod-isolation.ts";
import { followUnenforcedPolicies } from "./policies/unenforced-policies.ts";
import { hasProgram } from "./programs.ts";

/** Connects this node's pods, and routes to other nodes' pods through those nodes. */
export const startNodeNetwork: StartNodeNetwork = async (config, { os, client, informers }) => {
  const log = os.log.child("network");
  if (config.mode === "cni") return await startCniNetwork(config, { os: { ...os, log }, informers });
  const tasks = new TaskScope(log);
  const running = { done: tasks.untilStopped(), stop: () => tasks.stop() };
  const events = new EventRecorder(
    { component: "network-policy", host: config.nodeName },
    { client, clock: os.clock, random: os.random, log },
  );
  tasks.run("events", (signal) => events.run(signal));
  const leavePolicies = (why: string) =>
    followUnenforcedPolicies({ nodeName: config.nodeName, why }, { informers, events, log, tasks });
  if (config.mode === "loopback") {
    const leave = leavePolicies("its pods are plain processes");
    return {
      done: running.done,
      pods: openLoopbackPods(config),
      // Every address of 127/8 is the machine's own already.
      takeAddresses: async () => undefined,
      hasPodAt: () => false,
      async stop() {
        leave();
        await tasks.stop();
      },
    };
  }

  const withNft = await hasProgram("nft");
  const sides = familySides(config);
  if (withNft && config.v6 === undefined) await removeLeftIpv6Tables();
  if (!withNft) log.warn("host ports need nftables; pods that ask for them are not reachable there");
  const hostPorts = withNft
    ? openHostPorts(
        sides.map((side) => ({ ...side, applier: openApplier("pintle-host-ports", side.family) })),
        { log, routeLoopback: routeLoopbackTo },
      )
    : noHostPorts;
  const leave = withNft ? () => undefined : leavePolicies("nftables (nft) is not installed");
  const families = sides.map(({ family, clusterCidr, dnsAddress }) => ({
    family,
    ...(clusterCidr !== undefined && { clusterCidr }),
    ...(dnsAddress !== undefined && { dnsAddress }),
    openApplier: (ruleset: LiveRuleset) => openLiveApplier("pintle-policies", ruleset, family),
    forgetFlows: openFlowForgetter(log, family),
  }));
  const isolation = withNft
    ? new NetworkPolicies(
        { nodeName: config.nodeName, families },
        { informers, events, clock: os.clock, log, tasks },
      )
    : noIsolation;
  const pods = await openBridgePods(config, os, {
    hostPorts,
    isolation,
    fence: withNft ? fenceBridge : async () => undefined,
  });

  const { nodeName, nodeIp, podCidr, clusterCidr, v6, backend = "auto" } = config;
  const fences = sides.map(({ family }) => ({ family, applier: openApplier("pintle-overlay", family) }));
  followPeers(
    { nodeName, nodeIp, podCidr, clusterCidr, v6, backend },
    { informers, os: { ...os, log }, tasks, fences: withNft ? fences : [] },
  );
  return {
    done: running.done,
    pods,
    async takeAddresses(addresses) {
      for (const address of addresses) await takeBridgeAddress(address);
    },
    // All of this node's range are.
    hasPodAt: () => false,
    async stop() {
      leave();
      await tasks.stop();
    },
  };
};
