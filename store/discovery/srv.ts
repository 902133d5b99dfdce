import { lookup, resolveSrv } from "node:dns/promises";
import { describeError, type Log } from "../../base/os/log.ts";
import { DiscoveryError } from "./token.ts";

export interface SrvLookup {
  /** Rejects where there are none. */
  readonly srv: (service: string) => Promise<readonly { readonly name: string; readonly port: number }[]>;
  readonly addressOf: (host: string) => Promise<string>;
}

export const systemSrvLookup: SrvLookup = {
  srv: resolveSrv,
  addressOf: async (host) =>
    (await lookup(host.replace(/^\[|\]$/g, ""), { family: 0, verbatim: false })).address,
};

/** The members that a domain's SRV records name, as `name=url`: this one by its own name, known by where its peer URLs lead to,
 *  the others by numbers. Rejects with a DiscoveryError where there are none, or this one is not among them. */
export async function discoverBySrv(
  query: {
    readonly domain: string;
    readonly serviceSuffix: string;
    readonly name: string;
    readonly peerUrls: readonly string[];
  },
  { lookup: { srv, addressOf }, log }: { readonly lookup: SrvLookup; readonly log: Log },
): Promise<readonly string[]> {
  const own = new Map<string, URL>();
  for (const text of query.peerUrls) {
    const url = new URL(text);
    own.set(`${await addressOf(url.hostname)} ${url.port}`, url);
  }
  const found: string[] = [];
  const failures: string[] = [];
  let others = 0;
  for (const [scheme, service] of [
    ["https", `etcd-server-ssl${query.serviceSuffix}`],
    ["http", `etcd-server${query.serviceSuffix}`],
  ] as const) {
    try {
      for (const { name, port } of await srv(`_${service}._tcp.${query.domain}`)) {
        const host = name.replace(/\.$/, "");
        const url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
        const self = own.get(`${await addressOf(host)} ${port}`);
        if (self !== undefined && self.protocol !== `${scheme}:`)
          failures.push(
            `bootstrap at ${url} from DNS for ${service} has scheme mismatch with expected peer ${self.origin}`,
          );
        else found.push(`${self === undefined ? others++ : query.name}=${url}`);
      }
    } catch (error) {
      failures.push(`error querying DNS SRV records for _${service}: ${describeError(error)}`);
    }
  }
  if (found.length === 0) throw new DiscoveryError(failures.join("; "));
  for (const node of found) log.info("got bootstrap from DNS for etcd-server", { node });
  if (!found.some((node) => node.startsWith(`${query.name}=`)))
    throw new DiscoveryError(`cannot find local etcd member "${query.name}" in SRV records`);
  return found;
}
