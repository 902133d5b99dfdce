import { parseAddress, parseIpRange, rangeContains } from "../../base/ip-range.ts";
import type { Os } from "../../base/os/os.ts";
import type { InformerFactory } from "../../client/informer.ts";
import type { AnswerOptions } from "./answer.ts";
import { DnsServer } from "./dns-server.ts";
import { followServices } from "./follow-services.ts";
import { Forwarder } from "./forwarder.ts";
import { readNodeResolvConf } from "./node-resolv-conf.ts";
import { Resolver } from "./resolver.ts";
import { type StubDomains, stubServers } from "./stub-domains.ts";
import { ServiceZone } from "./zone.ts";

export interface ClusterDnsConfig {
  /** Where it listens: addresses of this node already, one of a family. */
  readonly addresses: readonly string[];
  readonly domain: string;
  /** Ranges of pods' and Services' addresses. */
  readonly ownRanges: readonly string[];
  /** Who may ask, beside the node itself. */
  readonly clients: readonly string[];
  /** Whether it is an address of the node's own pods, wherever that is. */
  readonly isPod: (address: string) => boolean;
  readonly nodeIp: string;
  /** Whom the node asks for other names. */
  readonly resolvConf: string;
  /** Domains that other servers know. */
  readonly stubDomains?: StubDomains;
}

export interface ClusterDns {
  stop(): void;
}

const dnsPort = 53;
/** CoreDNS' default. */
const ttlSeconds = 5;

/** Answers the pods of this node from the Services and EndpointSlices that its agent follows: with the API away, from what
 *  they were. */
export async function startClusterDns(
  config: ClusterDnsConfig,
  { os, informers }: { readonly os: Os; readonly informers: InformerFactory },
): Promise<ClusterDns> {
  const log = os.log.child("dns");
  const zone = new ServiceZone();
  const following = followServices(zone, informers);
  const rangesOf = (texts: readonly string[]) => texts.flatMap((text) => parseIpRange(text) ?? []);
  const options: AnswerOptions = {
    domain: config.domain,
    serverAddresses: config.addresses,
    ttlSeconds,
    ownRanges: rangesOf(config.ownRanges),
  };
  const forwarder = new Forwarder({
    clock: os.clock,
    random: os.random,
    onSilence: (servers) =>
      log.warn("nobody answers for names outside the cluster", { servers, file: config.resolvConf }),
    servers: async (labels) => {
      // Or it would ask itself for ever.
      const others = ({ address }: { readonly address: string }) => !config.addresses.includes(address);
      const stubs = stubServers(config.stubDomains ?? new Map(), labels);
      if (stubs !== undefined) return { places: stubs.filter(others), inTurn: true };
      try {
        const { servers, options: words } = await readNodeResolvConf(config.resolvConf);
        const places = servers.map((address) => ({ address, port: dnsPort })).filter(others);
        return { places, inTurn: words.includes("rotate") };
      } catch (error) {
        log.warn("cannot read whom to ask for names outside the cluster", { file: config.resolvConf, error });
        return { places: [], inTurn: false };
      }
    },
  });
  const resolver = new Resolver({
    zone,
    isZoneRead: following.isRead,
    options,
    forwarder,
    random: os.random,
  });
  const clients = rangesOf(config.clients);
  const node = new Set([...config.addresses, config.nodeIp]);
  const mayAsk = (address: string) => {
    const parsed = parseAddress(address);
    if (node.has(address) || config.isPod(address)) return true;
    return parsed !== undefined && clients.some((range) => rangeContains(range, parsed.family, parsed.value));
  };
  const servers = config.addresses.map(
    (address) =>
      new DnsServer({
        address,
        port: dnsPort,
        mayAsk,
        respond: (message, asker) => resolver.respond(message, asker),
        clock: os.clock,
        log,
      }),
  );
  for (const [at, server] of servers.entries())
    if ((await server.start()) !== undefined)
      log.info("answering the cluster's names", { address: config.addresses[at], domain: config.domain });
  return {
    stop() {
      following.stop();
      for (const server of servers) server.stop();
    },
  };
}
