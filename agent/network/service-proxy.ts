import { sleep } from "../../base/os/clock.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { resources } from "../../client/resources.ts";
import type { StartServiceProxy } from "../network-seam.ts";
import { openApplier } from "./nft-applier.ts";
import { hasProgram, runProgram } from "./programs.ts";
import { planServices, type ServicePort } from "./service-plan.ts";
import { serviceRules } from "./service-rules.ts";
import { UserSpaceProxy } from "./user-space-proxy.ts";

/** What carries out a plan: nftables or this process. */
interface Proxy {
  update(ports: readonly ServicePort[]): Promise<void>;
  stop(): void;
}

/** Changes arriving within this time are carried out together. */
const gatherMs = 30;
const retryMs = 1000;

export const startServiceProxy: StartServiceProxy = async (config, { os, informers }) => {
  const log = os.log.child("service-proxy");
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const proxy = await chooseProxy();
  const tasks = new TaskScope(log);
  const syncSeconds = os.metrics.histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds",
    "Time to carry out a change of Services.",
  );
  let dirty = true;
  let wake: () => void = () => undefined;
  const touch = () => {
    dirty = true;
    wake();
  };
  const handler = { onAdd: touch, onUpdate: touch, onDelete: touch };
  const unsubscribe = [services.subscribe(handler), slices.subscribe(handler)];

  tasks.run("sync", async (signal) => {
    const stopped = () => wake();
    signal.addEventListener("abort", stopped, { once: true });
    await Promise.all([services.synced(signal), slices.synced(signal)]);
    while (!signal.aborted) {
      if (!dirty) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (signal.aborted) return;
        await sleep(os.clock, gatherMs, signal);
      }
      dirty = false;
      const startedMs = os.clock.monotonicMs();
      try {
        await proxy.update(planServices(services.list(), slices.list(), config.nodeName));
        syncSeconds.observe((os.clock.monotonicMs() - startedMs) / 1000);
      } catch (error) {
        log.error("cannot carry out the Services' rules; trying again", { error });
        dirty = true;
        await sleep(os.clock, retryMs, signal);
      }
    }
  });

  async function chooseProxy(): Promise<Proxy> {
    if (config.mode === "bridge" && (await hasProgram("nft"))) {
      const applier = openApplier("pintle-services");
      const options = {
        podCidr: config.podCidr,
        ...(config.clusterCidr === undefined ? {} : { clusterCidr: config.clusterCidr }),
      };
      return { update: (ports) => applier.apply(serviceRules(ports, options)), stop: () => undefined };
    }
    log.info("services are proxied in user space", {
      why: config.mode === "bridge" ? "nft is not installed" : "not root",
    });
    const userSpace = new UserSpaceProxy({
      clock: os.clock,
      log,
      nodePortHost: config.nodeIp,
      // Every address of 127/8 is local already; elsewhere the node takes the cluster IP as its own.
      claimAddress: async (address) => {
        if (config.mode === "bridge")
          await runProgram("ip", ["addr", "replace", `${address}/32`, "dev", "lo"]);
      },
    });
    return userSpace;
  }

  return {
    done: tasks.untilStopped(),
    async stop() {
      for (const off of unsubscribe) off();
      await tasks.stop();
      proxy.stop();
    },
  };
};
