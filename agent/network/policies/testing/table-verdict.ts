import type { Ruleset } from "../../nft-ruleset.ts";

/** What the kernel would say of a new connection, by reading the rules' text as nftables does: only the words that policies'
 *  tables use; any other is an error. */
export interface Packet {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number;
}

export function isLetThrough(
  { chains, sets, maps }: Ruleset,
  packet: Packet,
  hook: "forward" | "own-node" = "forward",
): boolean {
  // Where there is no such chain, nobody asks.
  if (hook === "own-node" && chains[hook] === undefined) return true;
  const side = (word: string | undefined) => (word === "saddr" ? packet.from : packet.to);
  const elements = (set: string | undefined) =>
    (sets[set?.slice(1) ?? ""]?.elements ?? fail(`no set ${set}`)).map(({ text }) => text);
  const hasPorts = ["tcp", "udp", "sctp"].includes(packet.protocol);

  /** "return", "drop" or "accept"; falls off the end of a chain as a return. Where it goes on in another chain, this one is
   *  over. */
  const run = (name: string): string => {
    for (const { text } of (chains[name] ?? fail(`no chain ${name}`)).rules) {
      const verdict = rule(text);
      const next = /^goto (\S+)$/.exec(verdict ?? "")?.[1];
      if (next !== undefined) return run(next);
      if (verdict !== undefined) return verdict;
    }
    return "return";
  };
  const rule = (text: string): string | undefined => {
    let rest = text;
    const eat = (pattern: RegExp): RegExpExecArray | null => {
      const match = pattern.exec(rest);
      if (match !== null) rest = rest.slice(match[0].length).trimStart();
      return match;
    };
    for (;;) {
      if (eat(/^ct state established,related/)) return undefined;
      const pair = eat(/^ip saddr \. ip daddr (@\S+)/);
      if (pair) {
        if (!elements(pair[1]).includes(`${packet.from} . ${packet.to}`)) return undefined;
        continue;
      }
      const map = eat(/^ip (saddr|daddr) vmap @(\S+)/);
      if (map) {
        const found = (maps[map[2] ?? ""]?.elements ?? fail(`no map ${map[2]}`)).find(
          ({ key }) => key.text === side(map[1]),
        );
        const target = /^jump (\S+)$/.exec(found?.value.text ?? "")?.[1];
        const verdict = target === undefined ? "return" : run(target);
        return verdict === "return" ? undefined : verdict;
      }
      const withPort = eat(/^ip (saddr|daddr) \. th dport (@\S+)/);
      if (withPort) {
        if (!elements(withPort[2]).includes(`${side(withPort[1])} . ${packet.port}`)) return undefined;
        continue;
      }
      const address = eat(/^ip (saddr|daddr) (@\S+)/);
      if (address) {
        if (!elements(address[2]).some((range) => isAddressIn(side(address[1]), range))) return undefined;
        continue;
      }
      const protocol = eat(/^meta l4proto (\S+)/);
      if (protocol) {
        if (packet.protocol !== protocol[1]) return undefined;
        continue;
      }
      const ports = eat(/^(tcp|udp|sctp) dport \{ ([^}]*) \}/);
      if (ports) {
        const isOne = ports[2]?.split(", ").some((range) => {
          const [first, last = first] = range.split("-").map(Number);
          return packet.port >= (first ?? 0) && packet.port <= (last ?? 0);
        });
        if (!hasPorts || packet.protocol !== ports[1] || !isOne) return undefined;
        continue;
      }
      if (["return", "drop", "accept"].includes(rest) || /^goto \S+$/.test(rest)) return rest;
      fail(`not understood: ${rest}`);
    }
  };
  return run(hook) !== "drop";
}

function isAddressIn(address: string, range: string): boolean {
  const number = (text: string) => text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const [first = "", last = first] = range.split("-");
  return number(address) >= number(first) && number(address) <= number(last);
}

function fail(why: string): never {
  throw new Error(why);
}
