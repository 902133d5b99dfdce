import type { IpSpan } from "../../../base/ip-spans.ts";
import { ipFamilies } from "../ip-family.ts";
import { nft } from "../nft-text.ts";
import type { ServiceRulesOptions } from "../service-rules.ts";
import type { PortChains } from "./port-chains.ts";
import { canaryChain, type Jump, type Rule, type Tables } from "./table-chains.ts";

/** Service ports as kube-proxy's chains of iptables: KUBE-SERVICES leads to a port's KUBE-SVC-…, which picks one of its KUBE-SEP-…,
 *  which translates; KUBE-EXT-… is the way in from outside. Beside kube-proxy's: KUBE-CLUSTER-IPS refuses what a cluster IP
 *  does not serve, KUBE-BALANCER-POOL does that for load balancers' addresses that the node has, and pods that talk to
 *  somebody outside do so under the node's address. Pure. */
export function serviceTables(ports: readonly PortChains[], options: ServiceRulesOptions): Tables {
  const all = (pick: (port: PortChains) => readonly Rule[]) => ports.flatMap(pick);
  const ends = nodePortEnds(options);
  const pool = options.balancerPool ?? [];
  const { serviceCidr } = options;
  return {
    nat: {
      jumps: natJumps,
      chains: new Map([
        [canaryChain, []],
        ["KUBE-MARK-MASQ", [nft`-j MARK --or-mark ${mark}`]],
        ["KUBE-POSTROUTING", postrouting(options)],
        ["KUBE-NODEPORTS", all(({ nodePorts }) => nodePorts)],
        ["KUBE-SERVICES", [...all(({ services }) => services), ...ends]],
        ...ports.flatMap(({ chains }) => [...chains]),
      ]),
    },
    filter: {
      jumps: [
        ...filterJumps,
        ...(pool.length === 0 ? [] : [jumpNew("INPUT", "KUBE-BALANCER-POOL")]),
        { from: "FORWARD", rule: nft`-j KUBE-FORWARD` },
      ],
      chains: new Map([
        [canaryChain, []],
        ["KUBE-PROXY-FIREWALL", all(({ firewall }) => firewall)],
        ["KUBE-NODEPORTS", all(({ unservedNodePorts }) => unservedNodePorts)],
        ["KUBE-EXTERNAL-SERVICES", [...all(({ unservedExternal }) => unservedExternal), ...ends]],
        [
          "KUBE-SERVICES",
          [
            ...all(({ unserved }) => unserved),
            ...once(all(({ refusedElsewhere }) => refusedElsewhere)),
            ...(serviceCidr === undefined ? [] : [nft`-d ${serviceCidr} -j KUBE-CLUSTER-IPS`]),
          ],
        ],
        // What still goes to a cluster IP after translation asks for a port that its Service does not have; to one that no
        // Service has, it goes nowhere.
        [
          "KUBE-CLUSTER-IPS",
          [...once(all(({ refused }) => refused)), nft`-m addrtype ! --dst-type LOCAL -j DROP`],
        ],
        ...(pool.length === 0
          ? []
          : [
              [
                "KUBE-BALANCER-POOL",
                // What was not translated asks for a port that no Service has there: it is not the node's own programs' either.
                pool.flatMap((span) =>
                  ["tcp", "udp", "sctp"].map(
                    (protocol) => nft`-p ${protocol} -m iprange --dst-range ${rangeText(span)} -j REJECT`,
                  ),
                ),
              ] as const,
            ]),
        [
          "KUBE-FORWARD",
          // Where others drop what is forwarded, Services' traffic is let through.
          [
            nft`-m mark --mark ${mark}/${mark} -j ACCEPT`,
            nft`-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
          ],
        ],
      ]),
    },
  };
}

const mark = nft`0x4000`;

const jumpNew = (from: Jump["from"], to: string): Jump => ({
  from,
  rule: nft`-m conntrack --ctstate NEW -j ${to}`,
});

const natJumps: readonly Jump[] = [
  { from: "PREROUTING", rule: nft`-j KUBE-SERVICES` },
  { from: "OUTPUT", rule: nft`-j KUBE-SERVICES` },
  { from: "POSTROUTING", rule: nft`-j KUBE-POSTROUTING` },
];

const filterJumps: readonly Jump[] = [
  jumpNew("INPUT", "KUBE-PROXY-FIREWALL"),
  jumpNew("INPUT", "KUBE-EXTERNAL-SERVICES"),
  ...(["FORWARD", "OUTPUT"] as const).flatMap((from) => [
    jumpNew(from, "KUBE-PROXY-FIREWALL"),
    jumpNew(from, "KUBE-SERVICES"),
    jumpNew(from, "KUBE-EXTERNAL-SERVICES"),
  ]),
];

/** Last of what leads to Services: an address of a Service is one first, and the node's own only then. */
function nodePortEnds({
  family = ipFamilies[4],
  nodePortRanges,
  balancerPool = [],
}: ServiceRulesOptions): Rule[] {
  if (nodePortRanges?.length === 0) return [];
  const toNode = nft`-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`;
  return [
    nft`-d ${family.loopback} -j RETURN`,
    ...balancerPool.map((span) => nft`-m iprange --dst-range ${rangeText(span)} -j RETURN`),
    ...(nodePortRanges?.map((range) => nft`-d ${range} ${toNode}`) ?? [toNode]),
  ];
}

/** A single address, too, has two ends for iptables. */
const rangeText = ({ from, to }: IpSpan) => nft`${from}-${to}`;

/** Ports of one Service have the same addresses. */
function once(rules: readonly Rule[]): readonly Rule[] {
  return [...new Map(rules.map((rule) => [rule.text, rule])).values()];
}

function postrouting({ podCidr, clusterCidr }: ServiceRulesOptions): readonly Rule[] {
  return [
    ...(podCidr === ""
      ? []
      : [
          nft`-s ${podCidr} ! -d ${clusterCidr ?? podCidr} -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully`,
        ]),
    nft`-m mark ! --mark ${mark}/${mark} -j RETURN`,
    // A packet that meets these rules again is not to be masqueraded for that.
    nft`-j MARK --xor-mark ${mark}`,
    nft`-j MASQUERADE --random-fully`,
  ];
}
