import { parseAddress } from "../../base/ip-range.ts";
import { type IpSpan, isInSpans } from "../../base/ip-spans.ts";
import { UsageError } from "../../base/os/flags.ts";
import type { Log } from "../../base/os/log.ts";
import type { Os } from "../../base/os/os.ts";
import type { NodeNetworkConfig, ProxyMode } from "../network-seam.ts";
import { openFlowCleaner } from "./conntrack.ts";
import { type FamilySide, familySides } from "./family-sides.ts";
import { ipFamilies } from "./ip-family.ts";
import { IptablesProxy } from "./iptables/iptables-proxy.ts";
import { iptablesTool, removeOwnChains } from "./iptables/iptables-tool.ts";
import { tryMatches } from "./iptables/missing-matches.ts";
import { openIpvs, removeIpvs } from "./ipvs/open-ipvs.ts";
import { KernelProxy } from "./kernel-proxy.ts";
import { type NftSocket, openNftSocket } from "./nfnetlink/nft-socket.ts";
import { openLiveApplier, removeTable } from "./nft-applier.ts";
import { ownLowestPort } from "./open-port.ts";
import { isInRange } from "./parsed-input.ts";
import { hasProgram, runProgram } from "./programs.ts";
import type { ServicePlan, ServiceProblem } from "./service-plan.ts";
import { UserSpaceProxy } from "./user-space-proxy.ts";

/** What carries out a plan in one family: a part of the kernel, or this process. */
export interface ServiceWriter {
  /** Answers what it could not carry out, having carried out the rest. */
  update(plan: ServicePlan): Promise<readonly ServiceProblem[]>;
  /** So often it wants to be asked `isWhole`, between two updates. */
  readonly lookEveryMs?: number;
  /** False: the plan is to be carried out again. */
  isWhole?(): Promise<boolean>;
  stop(): void;
}

export interface ServiceWriters {
  readonly sides: readonly { readonly side: FamilySide; readonly writer: ServiceWriter }[];
  /** Takes away what an agent left that proxied Services by another mode, once these are carried out. */
  removeOthers(): Promise<void>;
  close(): void;
}

export interface WritersParts {
  readonly os: Pick<Os, "clock">;
  readonly log: Log;
  readonly isAnotherNodes: (address: string) => boolean;
}

const servicesTable = "pintle-services";

/** Opens what the configuration asks for. Throws UsageError, naming what is missing, where the node cannot do that. */
export async function openServiceWriters(
  config: NodeNetworkConfig,
  parts: WritersParts,
): Promise<ServiceWriters> {
  const mode = await modeOf(config);
  const sides = familySides(config);
  const opened = async (open: (side: FamilySide) => Promise<ServiceWriter>, served = sides) => ({
    sides: await Promise.all(served.map(async (side) => ({ side, writer: await open(side) }))),
    close: () => undefined,
    removeOthers: () => removeOthers(mode, sides),
  });
  switch (mode) {
    case "nftables": {
      const socket = openNftSocket(parts.log);
      const writers = await opened((side) => openNftables(side, socket, parts));
      return { ...writers, close: () => socket.close() };
    }
    case "iptables":
      return await opened((side) => openIptables(side, parts));
    case "ipvs": {
      const ipvs = await openIpvs(config.ipvsScheduler);
      const writers = await opened((side) => ipvs.openSide(side, { ...parts, table: servicesTable }));
      return { ...writers, close: () => ipvs.close() };
    }
    case undefined: {
      if (config.v6 !== undefined)
        parts.log.warn("Services' IPv6 addresses need nftables, and are not reachable here");
      const why = config.mode === "loopback" ? "pods are plain processes" : "nft is not installed";
      parts.log.info("services are proxied in user space", { why });
      const writers = await opened(
        async () => openUserSpace(config, parts),
        sides.filter(({ family }) => family.version === 4),
      );
      return config.mode === "loopback" ? { ...writers, removeOthers: async () => undefined } : writers;
    }
  }
}

/** What the agent knows before it has its Node. */
export interface AskedProxy {
  readonly mode: NodeNetworkConfig["mode"];
  readonly proxyMode: ProxyMode | undefined;
  readonly ipvsScheduler: string | undefined;
  readonly balancerPool: readonly IpSpan[];
}

/** Throws UsageError, naming what is missing, where the node cannot do what is asked for: before it is anybody's node. */
export async function checkProxyMode(asked: AskedProxy): Promise<void> {
  const mode = await modeOf(asked);
  if (mode === "iptables") await usableIptables({ ...asked, family: ipFamilies[4] });
  if (mode === "ipvs") (await openIpvs(asked.ipvsScheduler)).close();
}

/** Undefined: this process. */
async function modeOf({
  mode,
  proxyMode,
}: Pick<AskedProxy, "mode"> & { readonly proxyMode?: ProxyMode | undefined }): Promise<
  ProxyMode | undefined
> {
  if (mode === "loopback") {
    if (proxyMode !== undefined)
      throw new UsageError(
        `--proxy-mode ${proxyMode}: pods are plain processes here, whose Services this process proxies`,
      );
    return undefined;
  }
  if (proxyMode !== undefined && proxyMode !== "nftables") return proxyMode;
  if (await hasProgram("nft")) return "nftables";
  if (proxyMode === undefined) return undefined;
  throw new UsageError("--proxy-mode nftables: nft is not installed (apt-get install nftables)");
}

async function openNftables(
  side: FamilySide,
  socket: NftSocket,
  { log }: WritersParts,
): Promise<ServiceWriter> {
  return new KernelProxy(side, {
    openApplier: (table) => openLiveApplier(servicesTable, table, side.family, socket),
    flows: await openFlowCleaner(log, side.family),
    log,
  });
}

async function openIptables(side: FamilySide, { os, log }: WritersParts): Promise<ServiceWriter> {
  const { tool, hasSctp } = await usableIptables(side);
  const flows = await openFlowCleaner(log, side.family);
  return new IptablesProxy(side, { tool, hasSctp, flows, clock: os.clock, log });
}

async function usableIptables({ family, balancerPool = [] }: Pick<FamilySide, "family" | "balancerPool">) {
  const tool = iptablesTool(family);
  for (const program of [tool.program, `${tool.program}-restore`, `${tool.program}-save`])
    if (!(await hasProgram(program)))
      throw new UsageError(`--proxy-mode iptables: ${program} is not installed (apt-get install iptables)`);
  const { missing, hasSctp } = await tryMatches(tool, { hasPool: balancerPool.length > 0 });
  if (missing.length > 0)
    throw new UsageError(`--proxy-mode iptables: ${tool.program} cannot do here: ${missing.join("; ")}`);
  return { tool, hasSctp };
}

function openUserSpace(config: NodeNetworkConfig, { os, log, isAnotherNodes }: WritersParts): ServiceWriter {
  return new UserSpaceProxy({
    clock: os.clock,
    log,
    nodePortHost: config.nodeIp,
    lowestPort: ownLowestPort(),
    servesNodePorts: isServed(config),
    isAnotherNodes,
    // Every address of 127/8 is local already; elsewhere the node takes a Service's address as its own, if it may.
    claimAddress: async (address) => {
      if (config.mode === "loopback") return address.startsWith("127.");
      // The kernel would answer for it on every node.
      if (isInSpans(config.balancerPool ?? [], parseAddress(address)))
        throw new Error("a load balancer's address of the pool needs nftables");
      await runProgram("ip", ["addr", "replace", `${address}/32`, "dev", "lo"]);
      return true;
    },
  });
}

/** Whether node ports are to be had at the node's address, where no kernel serves them at the others. */
function isServed({ nodeIp, nodePortRanges = [] }: NodeNetworkConfig): boolean {
  return nodePortRanges.length === 0 || nodePortRanges.some((range) => isInRange(range, nodeIp));
}

/** An agent may have had both families before. */
async function removeOthers(mode: ProxyMode | undefined, sides: readonly FamilySide[]): Promise<void> {
  const here = new Set(sides.map(({ family }) => family));
  if (mode !== "ipvs") await removeIpvs();
  for (const family of [ipFamilies[4], ipFamilies[6]]) {
    const isOurs = (one: ProxyMode) => one === mode && here.has(family);
    if (!isOurs("iptables")) await removeOwnChains(iptablesTool(family));
    // By IPVS there is one of the same name.
    if (!isOurs("nftables") && !isOurs("ipvs") && (await hasProgram("nft")))
      await removeTable(servicesTable, family);
  }
}
