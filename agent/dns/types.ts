import type { HInfoAnswer, SoaAnswer, SrvAnswer, StringAnswer, TxtAnswer } from "dns-packet";

/** A record as the library encodes it. Names are lower case and end without a dot. */
export type DnsRecord = (StringAnswer | SrvAnswer | SoaAnswer | TxtAnswer | HInfoAnswer) & {
  readonly ttl: number;
};

export interface Question {
  /** Of the name, in lower case. One may hold any byte. */
  readonly labels: readonly string[];
  /** Numbers, as on the wire. */
  readonly type: number;
  readonly class: number;
}

/** IANA's numbers of what this server tells apart. */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const rcodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;
