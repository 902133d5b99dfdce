import { isIP } from "node:net";
import { type IpRange, ipRangeText, nthAddress, parseIpRange, rangesOverlap } from "../../base/ip-range.ts";
import { contains, overlap, parseIpv4, parseIpv4Range } from "../../base/ipv4.ts";
import type { FlagTable, FlagValues } from "../../base/os/flags.ts";
import { dns1123Subdomain } from "../../client/rules/names.ts";
import { OperatorError } from "../command.ts";
import type { Layout } from "../up/layout.ts";
import { apiserverPkiFlags, controllerManagerPkiFlags, storePkiFlags } from "../up/pki-flags.ts";

/** Of a server that brings everything along, for machines to join. */
export const standaloneFlags = {
  "data-dir": {
    kind: "string",
    value: "DIR",
    help: "keep certificates, store and kubeconfig here, and give every part its flags: all that a server of several machines needs",
  },
  "advertise-address": {
    kind: "string",
    value: "IP",
    help: "this machine's address, for the others; with --data-dir. The only one that it has by default",
  },
  "api-port": {
    kind: "integer",
    default: 6443,
    value: "PORT",
    help: "port of the API server; with --data-dir",
  },
  "tls-san": {
    kind: "list",
    default: [],
    value: "NAMES",
    help: "further names and addresses at which machines reach it; with --data-dir",
  },
  "cluster-cidr": {
    kind: "string",
    default: "10.244.0.0/16",
    value: "CIDR[,CIDR]",
    help: "range of pods' addresses, and one of IPv6 where they have both; with --data-dir",
  },
  "service-cluster-ip-range": {
    kind: "string",
    default: "10.96.0.0/16",
    value: "CIDR[,CIDR]",
    help: "range of services' addresses, and one of IPv6 where pods have both; with --data-dir",
  },
  "store-client-port": {
    kind: "integer",
    default: 2379,
    value: "PORT",
    help: "store's port on the loopback; with --data-dir",
  },
  "store-peer-port": {
    kind: "integer",
    default: 2380,
    value: "PORT",
    help: "its port for members; with --data-dir",
  },
} as const satisfies FlagTable;

export interface Standalone {
  readonly dataDir: string;
  readonly address: string;
  readonly apiPort: number;
  readonly addresses: readonly string[];
  readonly names: readonly string[];
  readonly clusterCidr: string;
  readonly serviceRange: string;
  /** The first of the services' addresses. */
  readonly kubernetesServiceIp: string;
  readonly storePorts: { readonly client: number; readonly peer: number };
}

/** Undefined without --data-dir. Fails with an OperatorError that names every problem, one a line. Pure.
 *  @param ownAddresses The machine's, without the loopback. */
export function standaloneConfig(
  flags: FlagValues<typeof standaloneFlags>,
  given: ReadonlySet<string>,
  ownAddresses: readonly string[],
): Standalone | undefined {
  const dataDir = flags["data-dir"];
  const problems: string[] = [];
  if (dataDir === undefined) {
    for (const name of Object.keys(standaloneFlags))
      if (given.has(name)) problems.push(`--${name}: needs --data-dir`);
    if (problems.length > 0) throw new OperatorError(problems.join("\n"));
    return undefined;
  }
  const [own, ...others] = ownAddresses;
  const address = flags["advertise-address"] ?? own;
  if (flags["advertise-address"] === undefined && (own === undefined || others.length > 0))
    problems.push(
      `--advertise-address: needed, as this machine has ${own === undefined ? "no address of IPv4 but the loopback" : `several addresses (${ownAddresses.join(", ")})`}`,
    );
  if (address !== undefined && parseIpv4(address) === undefined)
    problems.push(`--advertise-address: ${JSON.stringify(address)} is not an IPv4 address`);
  if (address?.startsWith("127.") || address === "0.0.0.0")
    problems.push(`--advertise-address: no other machine reaches ${address}`);
  for (const name of ["api-port", "store-client-port", "store-peer-port"] as const)
    if (flags[name] < 1 || flags[name] > 65_535)
      problems.push(`--${name}: ${flags[name]} must be 1 to 65535`);
  for (const one of flags["tls-san"])
    if (isIP(one) === 0 && dns1123Subdomain(one).length > 0)
      problems.push(`--tls-san: ${JSON.stringify(one)} is neither a name nor an address`);
  const range = (name: "cluster-cidr" | "service-cluster-ip-range") => {
    const [first = ""] = flags[name].split(",");
    const found = parseIpv4Range(first);
    if (found === undefined || found.prefixBits > 22)
      problems.push(`--${name}: ${JSON.stringify(first)} is not a range of IPv4 such as 10.244.0.0/16`);
    return found;
  };
  const [pods, services] = [range("cluster-cidr"), range("service-cluster-ip-range")];
  problems.push(...secondRangeProblems(flags));
  if (pods !== undefined && services !== undefined && overlap(pods, services))
    problems.push("--cluster-cidr: touches --service-cluster-ip-range");
  const value = parseIpv4(address ?? "");
  for (const [name, one] of [
    ["cluster-cidr", pods],
    ["service-cluster-ip-range", services],
  ] as const)
    if (value !== undefined && one !== undefined && contains(one, value))
      problems.push(`--${name}: the machine's own address ${address} is in it`);
  if (problems.length > 0 || address === undefined || services === undefined)
    throw new OperatorError(problems.join("\n"));
  const isAddress = (one: string) => isIP(one) !== 0;
  return {
    dataDir,
    address,
    apiPort: flags["api-port"],
    addresses: [address, ...flags["tls-san"].filter(isAddress)],
    names: flags["tls-san"].filter((one) => !isAddress(one)),
    clusterCidr: flags["cluster-cidr"],
    serviceRange: flags["service-cluster-ip-range"],
    kubernetesServiceIp: nthAddress(
      { family: 4, first: BigInt(services.first), prefixBits: services.prefixBits },
      1,
    ),
    storePorts: { client: flags["store-client-port"], peer: flags["store-peer-port"] },
  };
}

/** Prefixes of IPv6 ranges: pods' is cut into a /64 for each node. */
const secondPrefixBits = { "cluster-cidr": [48, 63], "service-cluster-ip-range": [64, 120] } as const;

function secondRangeProblems(
  flags: Pick<FlagValues<typeof standaloneFlags>, keyof typeof secondPrefixBits>,
): readonly string[] {
  const problems: string[] = [];
  const seconds = (["cluster-cidr", "service-cluster-ip-range"] as const).map((name) => {
    const [, second, ...more] = flags[name].split(",");
    if (second === undefined) return undefined;
    if (more.length > 0) problems.push(`--${name}: one range of each family at most`);
    const found = parseIpRange(second);
    const [least, most] = secondPrefixBits[name];
    const isFine =
      found?.family === 6 &&
      ipRangeText(found) === second &&
      found.prefixBits >= least &&
      found.prefixBits <= most;
    if (!isFine)
      problems.push(`--${name}: ${JSON.stringify(second)} is not a range of IPv6, of /${least} to /${most}`);
    return { text: second, range: isFine ? found : undefined };
  });
  const [pods, services] = seconds;
  if ((pods === undefined) !== (services === undefined))
    problems.push("--cluster-cidr, --service-cluster-ip-range: both have a second range, or neither");
  if (overlapping(pods?.range, services?.range))
    problems.push("--cluster-cidr: touches --service-cluster-ip-range");
  return problems;
}

const overlapping = (a: IpRange | undefined, b: IpRange | undefined) =>
  a !== undefined && b !== undefined && rangesOverlap(a, b);

/** What each part is told, by its own flags. Pure. */
export function partArguments(
  config: Standalone,
  layout: Layout,
): Readonly<Record<string, readonly string[]>> {
  const clientUrl = `https://127.0.0.1:${config.storePorts.client}`;
  const peerUrl = `https://127.0.0.1:${config.storePorts.peer}`;
  return {
    store: [
      "--name=server",
      `--data-dir=${layout.store("server")}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=server=${peerUrl}`,
      ...storePkiFlags(layout),
      "--client-cert-auth=true",
      "--peer-client-cert-auth=true",
    ],
    apiserver: [
      `--bind-address=127.0.0.1,${config.address}`,
      `--advertise-address=${config.address}`,
      `--secure-port=${config.apiPort}`,
      `--etcd-servers=${clientUrl}`,
      `--service-cluster-ip-range=${config.serviceRange}`,
      "--enable-bootstrap-token-auth=true",
      ...apiserverPkiFlags(layout),
    ],
    scheduler: [`--kubeconfig=${layout.kubeconfigOf("scheduler")}`, "--leader-elect=false"],
    "controller-manager": [
      `--kubeconfig=${layout.kubeconfigOf("controller-manager")}`,
      "--leader-elect=false",
      "--allocate-node-cidrs=true",
      `--cluster-cidr=${config.clusterCidr}`,
      `--service-cluster-ip-range=${config.serviceRange}`,
      "--service-load-balancer=nodes",
      `--controllers=*,${joinControllers.join(",")}`,
      ...controllerManagerPkiFlags(layout),
    ],
  };
}

/** By which machines join; Kubernetes has none of them on by itself. */
const joinControllers = [
  "bootstrap-signer-controller",
  "token-cleaner-controller",
  "cluster-info-controller",
  "node-certificate-approving-controller",
];
