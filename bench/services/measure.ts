/** Run in a network namespace by run.ts, with the numbers of Services, of endpoints of each, and of changes, and what is to
 *  carry them out. */

import { ipFamilies } from "../../agent/network/ip-family.ts";
import { IptablesProxy } from "../../agent/network/iptables/iptables-proxy.ts";
import { iptablesTool } from "../../agent/network/iptables/iptables-tool.ts";
import { KernelProxy } from "../../agent/network/kernel-proxy.ts";
import { openNftSocket } from "../../agent/network/nfnetlink/nft-socket.ts";
import { openLiveApplier } from "../../agent/network/nft-applier.ts";
import { ServicePlanner } from "../../agent/network/service-plan.ts";
import { systemClock } from "../../base/os/clock.ts";
import { createLog, silentLog } from "../../base/os/log.ts";
import type { EndpointSlice, Service } from "../../client/types.ts";

const [services = 0, endpoints = 0, changes = 0] = process.argv.slice(2, 5).map(Number);
const [way, mode] = process.argv.slice(5);

const addressOf = (number: number) => `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
const service = (number: number): Service =>
  ({
    metadata: {
      namespace: "default",
      name: `s${number}`,
      uid: `s${number}`,
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: {
      type: "ClusterIP",
      clusterIP: `10.96.${number >> 8}.${number & 255}`,
      ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
    },
  }) as unknown as Service;
const slice = (number: number, count: number): EndpointSlice =>
  ({
    metadata: {
      namespace: "default",
      name: `s${number}-1`,
      labels: { "kubernetes.io/service-name": `s${number}` },
    },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: Array.from({ length: count }, (_, at) => ({
      addresses: [addressOf(number * endpoints + at)],
      conditions: { ready: true },
      nodeName: `node-${at}`,
    })),
  }) as unknown as EndpointSlice;

const allServices = Array.from({ length: services }, (_, number) => service(number));
const allSlices = allServices.map((_, number) => slice(number, endpoints));
const node = { nodeName: "node-0", zone: undefined, loopbackPods: false };

const socket = way === "nft" ? undefined : openNftSocket(createLog({ format: "text" }));
const planner = new ServicePlanner();
let kernelMs = 0;
const timed = async (work: Promise<void>): Promise<void> => {
  const startedMs = performance.now();
  await work;
  kernelMs += performance.now() - startedMs;
};
const network = { podCidr: "10.1.0.0/24", clusterCidr: "10.0.0.0/8", serviceCidr: "10.96.0.0/12" };
const flows = { clean: async () => undefined };
const tool = iptablesTool(ipFamilies[4]);
const proxy =
  mode === "iptables"
    ? new IptablesProxy(network, {
        tool: { ...tool, restore: (text) => timed(tool.restore(text)) },
        hasSctp: true,
        flows,
        clock: systemClock,
        log: silentLog,
      })
    : new KernelProxy(network, {
        openApplier: (table) => {
          const kernel = openLiveApplier("pintle-services", table, ipFamilies[4], socket);
          return { ...kernel, flush: () => timed(kernel.flush()) };
        },
        flows,
        log: silentLog,
      });

interface Figures {
  readonly planMs: number;
  readonly rulesMs: number;
  /** The difference between two tables, `nft` or `iptables-restore`, and the kernel. */
  readonly kernelMs: number;
  readonly totalMs: number;
}
async function program(): Promise<Figures> {
  kernelMs = 0;
  const startedMs = performance.now();
  const plan = planner.plan(allServices, allSlices, node);
  const plannedMs = performance.now();
  const problems = await proxy.update(plan);
  const totalMs = performance.now() - startedMs;
  if (problems.length > 0) throw new Error(problems[0]?.message);
  const planMs = plannedMs - startedMs;
  return { planMs, rulesMs: totalMs - planMs - kernelMs, kernelMs, totalMs };
}

const first = await program();
const later: Figures[] = [];
for (let change = 0; change < changes; change++) {
  const number = (change * 7919) % services;
  allSlices[number] = slice(number, change % 2 === 0 ? endpoints - 1 : endpoints);
  later.push(await program());
}
const median = (of: (figures: Figures) => number) =>
  later.map(of).sort((a, b) => a - b)[later.length >> 1] ?? 0;
const line = ({ planMs, rulesMs, kernelMs: nftMs, totalMs }: Figures) =>
  `${totalMs.toFixed(1)} ms: plan ${planMs.toFixed(1)}, rules ${rulesMs.toFixed(1)}, kernel ${nftMs.toFixed(1)}`;
console.log(`${services} Services with ${endpoints} endpoints each`);
console.log(`all at once      ${line(first)}`);
console.log(
  `one change       ${line({
    planMs: median((one) => one.planMs),
    rulesMs: median((one) => one.rulesMs),
    kernelMs: median((one) => one.kernelMs),
    totalMs: median((one) => one.totalMs),
  })} (medians of ${changes})`,
);
