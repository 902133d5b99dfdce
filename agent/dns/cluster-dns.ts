import { contains, parseIpv4, parseIpv4Range } from "../../base/ipv4.ts";
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
  /** Where it listens: an address of this node already. */
  readonly address: string;
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
  const rangesOf = (texts: readonly string[]) => texts.flatMap((text) => parseIpv4Range(text) ?? []);
  const options: AnswerOptions = {
    domain: config.domain,
    serverAddress: config.address,
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
      const others = ({ address }: { readonly address: string }) => address !== config.address;
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
  const node = new Set([config.address, config.nodeIp]);
  const server = new DnsServer({
    address: config.address,
    port: dnsPort,
    mayAsk: (address) => {
      const number = parseIpv4(address);
      if (node.has(address) || config.isPod(address)) return true;
      return number !== undefined && clients.some((range) => contains(range, number));
    },
    respond: (message, asker) => resolver.respond(message, asker),
    clock: os.clock,
    log,
  });
  if ((await server.start()) !== undefined)
    log.info("answering the cluster's names", { address: config.address, domain: config.domain });
  return {
    stop() {
      following.stop();
      server.stop();
    },
  };
}
