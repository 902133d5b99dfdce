/** Run in a network namespace by kernel.test.ts: puts random Services into two tables, one through netlink and one with nft, change
 *  by change, and prints every step after which nft does not show the same of both; then what becomes of changes that fail. */
import { execFileSync } from "node:child_process";
import { createLog } from "../../../../base/os/log.ts";
import { type IpFamily, ipFamilies } from "../../ip-family.ts";
import { LiveServiceRules } from "../../live-service-rules.ts";
import { openLiveApplier } from "../../nft-applier.ts";
import type { ServicePort } from "../../service-plan.ts";
import type { ServiceRulesOptions } from "../../service-rules.ts";
import { openNftSocket } from "../nft-socket.ts";

const [seed = 1, steps = 10] = process.argv.slice(2).map(Number);
const warnings: string[] = [];
const socket = openNftSocket(createLog({ format: "text", write: (line) => warnings.push(line) }));
const findings: string[] = [];

function randomFrom(state: number): () => number {
  let now = state >>> 0;
  return () => {
    now = (Math.imul(now ^ (now >>> 15), now | 1) + 0x6d2b79f5) >>> 0;
    return ((now ^ (now >>> 14)) >>> 0) / 2 ** 32;
  };
}

const addressOf = ({ version }: IpFamily, net: number, n: number) =>
  version === 4 ? `10.${net}.0.${n}` : `fd00:${net}::${n.toString(16)}`;

function optionsOf(family: IpFamily): ServiceRulesOptions {
  const range = (net: number) => (family.version === 4 ? `10.${net}.0.0/16` : `fd00:${net}::/32`);
  return { family, podCidr: range(1), clusterCidr: range(1), serviceCidr: range(96) };
}

function randomPort(family: IpFamily, n: number, random: () => number): ServicePort {
  const below = (max: number) => Math.floor(random() * max);
  const all = Array.from({ length: below(5) }, (_, at) => ({
    address: addressOf(family, 1, 1 + ((n + at * 7 + below(3)) % 200)),
    port: 8080 + below(2),
    isLocal: at % 2 === 0,
  }));
  const isOut = below(3) === 0;
  const firewalled = below(6) === 0;
  return {
    id: `ns/s${n}:80`,
    service: { metadata: { namespace: "ns", name: `s${n}` }, spec: {} } as ServicePort["service"],
    protocol: (["tcp", "udp", "sctp"] as const)[below(3)] ?? "tcp",
    clusterIps: [addressOf(family, 96, n + 1)],
    externalIps: isOut ? [addressOf(family, 97, n + 1)] : [],
    balancerIps: firewalled ? [addressOf(family, 98, n + 1)] : [],
    balancerSources: firewalled ? [optionsOf(family).podCidr] : [],
    port: 80 + below(2),
    nodePort: isOut ? 30_000 + n : undefined,
    affinitySeconds: below(6) === 0 ? 60 : undefined,
    internalLocal: below(4) === 0,
    externalLocal: below(2) === 0,
    clusterEndpoints: all,
    localEndpoints: all.filter(({ isLocal }) => isLocal),
    readyEndpoints: all,
    servingEndpoints: all,
  };
}

/** What nft shows, in an order that says nothing. */
function shown(family: IpFamily, table: string): string {
  const text = execFileSync("nft", ["-j", "list", "table", family.ip.text, table]).toString();
  const { nftables } = JSON.parse(text.replaceAll(`"${table}"`, '"TABLE"')) as {
    nftables: Record<string, Record<string, unknown>>[];
  };
  const lines = nftables.flatMap((one) =>
    Object.entries(one).map(([kind, what]) => {
      const elements = (what.elem as unknown[] | undefined)?.map((element) => JSON.stringify(element)).sort();
      // An anonymous set's name has a number.
      const said = JSON.stringify({ ...what, handle: 0, elem: elements }).replaceAll(/"__(map|set)\d+"/g, "");
      return `${kind} ${said}`;
    }),
  );
  // Rules of one chain stand in their order; chains stand in the order in which they were made.
  return lines
    .map((line, at) => ({ line, at, chain: /"chain":"([^"]+)"/.exec(line)?.[1] ?? line }))
    .sort((a, b) => (a.chain === b.chain ? a.at - b.at : a.chain < b.chain ? -1 : 1))
    .map(({ line }) => line)
    .join("\n");
}

function tablesOf(family: IpFamily) {
  const rules = {
    netlink: new LiveServiceRules(optionsOf(family)),
    nft: new LiveServiceRules(optionsOf(family)),
  };
  return {
    rules,
    netlink: openLiveApplier("by-netlink", rules.netlink.live, family, socket),
    nft: openLiveApplier("by-nft", rules.nft.live, family),
  };
}

async function compare(family: IpFamily): Promise<void> {
  const random = randomFrom(seed * 7919 + family.version);
  const { rules, netlink, nft } = tablesOf(family);
  const ports = new Map<number, ServicePort>();
  for (let step = 0; step < steps; step++) {
    for (let change = 0; change < (step === 0 ? 12 : 1 + random() * 3); change++) {
      const n = Math.floor(random() * 16);
      if (random() < 0.2) ports.delete(n);
      else ports.set(n, randomPort(family, n, random));
    }
    const all = [...ports.values()];
    rules.netlink.update(all);
    rules.nft.update(all);
    await netlink.flush();
    await nft.flush();
    const [a, b] = [shown(family, "by-netlink"), shown(family, "by-nft")];
    if (a !== b) findings.push(`${family.name}, step ${step}:\n${difference(a, b)}`);
  }
  await spoil(family, { rules, netlink, nft }, [...ports.values()]);
}

function difference(a: string, b: string): string {
  const [left, right] = [a.split("\n"), b.split("\n")];
  return [
    ...left.filter((line) => !right.includes(line)).map((line) => `netlink: ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `nft:     ${line}`),
  ].join("\n");
}

/** Another hand in the table: the next change fails, says what of it, and the one after that mends all. */
async function spoil(
  family: IpFamily,
  { rules, netlink, nft }: ReturnType<typeof tablesOf>,
  ports: readonly ServicePort[],
): Promise<void> {
  const ip = family.ip.text;
  const one: ServicePort = {
    ...randomPort(family, 200, () => 0.99),
    protocol: "tcp",
    port: 80,
    affinitySeconds: undefined,
    internalLocal: false,
  };
  const endpoint = { address: addressOf(family, 1, 9), port: 8080, isLocal: true };
  const withOne = (name: string) => [
    ...ports,
    { ...one, clusterEndpoints: [{ ...endpoint, address: addressOf(family, 1, Number(name)) }] },
  ];
  const hands: Readonly<Record<string, readonly string[]>> = {
    11: ["delete", "element", ip, "by-netlink", "address-0", `{ ${one.clusterIps[0]} . tcp . 80 }`],
    12: ["delete", "table", ip, "by-netlink"],
    13: ["flush", "ruleset"],
  };
  const apply = async (name: string): Promise<string> => {
    rules.netlink.update(withOne(name));
    rules.nft.update(withOne(name));
    await nft.flush().catch(() => nft.flush());
    try {
      await netlink.flush();
      return "taken";
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : "thrown";
    }
  };
  await apply("10");
  for (const [name, command] of Object.entries(hands)) {
    execFileSync("nft", command);
    const said = await apply(name);
    await netlink.flush();
    const isMended = shown(family, "by-netlink") === shown(family, "by-nft");
    process.stdout.write(
      `${JSON.stringify({ family: family.name, hand: command.slice(0, 2), said, isMended })}\n`,
    );
  }
}

for (const family of [ipFamilies[4], ipFamilies[6]]) await compare(family);
socket.close();
process.stdout.write(`${JSON.stringify({ findings, warnings })}\n`);
