import { type IpRange, parseAddress, rangeContains } from "../../base/ip-range.ts";
import { addressOfReverseName } from "./domain-name.ts";
import { authorityOf, recordsAt, type ZoneOptions } from "./records.ts";
import { type DnsRecord, type Question, rcodes, recordTypes } from "./types.ts";
import type { Zone } from "./zone.ts";

export type Answer =
  | {
      readonly kind: "here";
      readonly rcode: number;
      readonly answers: readonly DnsRecord[];
      readonly authorities: readonly DnsRecord[];
      readonly additionals: readonly DnsRecord[];
      /** The last answer is an alias for a name that others know: theirs is to be added. */
      readonly elsewhere?: string;
    }
  /** Not the cluster's business: for the node's resolvers. */
  | { readonly kind: "elsewhere" };

export interface AnswerOptions extends ZoneOptions {
  /** The cluster's addresses: nobody else is asked for names of these. */
  readonly ownRanges: readonly IpRange[];
}

const aliasesMax = 8;
const classes = { internet: 1, any: 255 };

/** Answers a question from the zone by Kubernetes' DNS specification, or says whose it is. Pure. */
export function answer(zone: Zone, question: Question, options: AnswerOptions): Answer {
  const { labels, type } = question;
  if (question.class !== classes.internet && question.class !== classes.any) return refused;
  if (type === recordTypes.AXFR || type === recordTypes.IXFR) return refused;
  const name = labels.join(".");
  if (isBelow(labels, options.domain)) return fromDomain(zone, { name, labels, type }, options);
  const address = addressOfReverseName(labels);
  if (address === undefined) return { kind: "elsewhere" };
  const names = zone.namesAt(address);
  if (names.length > 0) {
    const pointers = names.map((one): DnsRecord => {
      return { name, type: "PTR", ttl: options.ttlSeconds, data: `${one}.svc.${options.domain}` };
    });
    return matching(pointers, { name, type }, options, reverseZone(labels));
  }
  return isOwn(address, options) ? noSuchName(options, reverseZone(labels)) : { kind: "elsewhere" };
}

/** Whether what is known of the zone decides the answer: while it is not read yet, nobody can tell. */
export function needsZone(question: Question, options: AnswerOptions): boolean {
  if (isBelow(question.labels, options.domain)) return true;
  return isOwn(addressOfReverseName(question.labels) ?? "", options);
}

function isOwn(address: string, { ownRanges }: AnswerOptions): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && ownRanges.some((range) => rangeContains(range, parsed.family, parsed.value));
}

interface Asked {
  readonly name: string;
  readonly labels: readonly string[];
  readonly type: number;
}

function fromDomain(zone: Zone, asked: Asked, options: AnswerOptions): Answer {
  const answers: DnsRecord[] = [];
  let { name, labels } = asked;
  for (let aliases = 0; ; aliases++) {
    const inside = labels.slice(0, labels.length - options.domain.split(".").length);
    const records = recordsAt(zone, inside, { ...options, name });
    if (records === undefined) return noSuchName(options, options.domain, answers);
    const alias = records.find((record) => record.type === "CNAME");
    if (alias?.type !== "CNAME" || asked.type === recordTypes.CNAME || asked.type === recordTypes.ANY)
      return withAddresses(
        zone,
        matching(records, { name, type: asked.type }, options, options.domain, answers),
        options,
      );
    answers.push(alias);
    name = alias.data;
    labels = name.split(".");
    const outside = !isBelow(labels, options.domain);
    if (outside || aliases === aliasesMax || answers.some((record) => record.name === name))
      return { ...here(rcodes.noError, answers), ...(outside && { elsewhere: name }) };
  }
}

/** Those of the type that was asked for, behind the aliases that led here. */
function matching(
  records: readonly DnsRecord[],
  { name, type }: { readonly name: string; readonly type: number },
  options: AnswerOptions,
  zoneName: string,
  before: readonly DnsRecord[] = [],
): Answer & { kind: "here" } {
  if (records.length > 0 && type === recordTypes.ANY) {
    // RFC 8482: everything at once serves only those who want much for little.
    const data = { cpu: "RFC8482", os: "" };
    return here(rcodes.noError, [...before, { name, type: "HINFO", ttl: options.ttlSeconds, data }]);
  }
  const found = records.filter((record) => recordTypes[record.type as keyof typeof recordTypes] === type);
  if (found.length === 0)
    return { ...here(rcodes.noError, before), authorities: [authorityOf(options, zoneName)] };
  return here(rcodes.noError, [...before, ...found]);
}

/** The addresses of the hosts that SRV records name. */
function withAddresses(zone: Zone, given: Answer & { kind: "here" }, options: AnswerOptions): Answer {
  const targets = new Set(
    given.answers.flatMap((record) => (record.type === "SRV" ? [record.data.target] : [])),
  );
  const additionals = [...targets].flatMap((name) => {
    const inside = name.split(".").slice(0, -options.domain.split(".").length);
    const records = recordsAt(zone, inside, { ...options, name }) ?? [];
    return records.filter(({ type }) => type === "A" || type === "AAAA");
  });
  return { ...given, additionals };
}

function noSuchName(options: AnswerOptions, zoneName: string, answers: readonly DnsRecord[] = []): Answer {
  return { ...here(rcodes.noSuchName, answers), authorities: [authorityOf(options, zoneName)] };
}

const here = (rcode: number, answers: readonly DnsRecord[]): Answer & { kind: "here" } => ({
  kind: "here",
  rcode,
  answers,
  authorities: [],
  additionals: [],
});
const refused = here(rcodes.refused, []);

const reverseZone = (labels: readonly string[]): string => labels.slice(-2).join(".");

function isBelow(labels: readonly string[], domain: string): boolean {
  const own = domain.split(".");
  // A label may hold a dot: labels are compared one by one.
  return (
    labels.length >= own.length && own.every((label, at) => labels[labels.length - own.length + at] === label)
  );
}
