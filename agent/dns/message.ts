import { decode, encode, type Answer as LibraryRecord } from "dns-packet";
import type { Answer } from "./answer.ts";
import { canonicalName } from "./domain-name.ts";
import { type DnsRecord, type Question, rcodes } from "./types.ts";

/** Messages as bytes. The library encodes and decodes records; the header, the question and what fits are seen to here, so
 *  that a question goes back exactly as it came. Nothing here throws, whatever arrives. Pure. */

export interface Query {
  readonly id: number;
  readonly question: Question;
  /** As it came, to be sent back. */
  readonly questionBytes: Uint8Array;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** EDNS, where the client speaks it. */
  readonly edns:
    | { readonly version: number; readonly udpBytesMax: number; readonly wantsDnssec: boolean }
    | undefined;
}

export type Received =
  | { readonly kind: "query"; readonly query: Query }
  /** Answered with a header alone. */
  | { readonly kind: "refused"; readonly response: Buffer }
  /** No answer at all: it is none of a client's. */
  | { readonly kind: "ignored" };

const headerBytes = 12;
/** What a client that does not speak EDNS takes. */
const plainUdpBytes = 512;
/** What this server sends over UDP at most, and takes itself: fits every link that pods are on. */
export const udpBytesMax = 1232;
/** A question, EDNS with padding and a signature: no query needs more. */
export const queryBytesMax = 4096;
const nameBytesMax = 255;
const labelBytesMax = 63;
const flags = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
};
const dnssecOk = 0x8000;

export function readQuery(message: Buffer): Received {
  if (message.length < headerBytes || (message.readUInt16BE(2) & flags.response) !== 0)
    return { kind: "ignored" };
  const refuse = (rcode: number): Received => ({ kind: "refused", response: bareHeader(message, rcode) });
  const opcode = (message.readUInt16BE(2) >> 11) & 15;
  if (opcode !== 0) return refuse(rcodes.notImplemented);
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at));
  const asksOnce = questions === 1 && answers === 0 && authorities === 0 && (additionals ?? 0) <= 2;
  if (message.length > queryBytesMax || !asksOnce) return refuse(rcodes.formatError);
  const read = readQuestion(message);
  const extras = read === undefined ? undefined : readAdditionals(message);
  if (read === undefined || extras === undefined) return refuse(rcodes.formatError);
  const options = extras.filter((record) => record.type === "OPT");
  const [option] = options;
  if (options.length > 1) return refuse(rcodes.formatError);
  const bits = message.readUInt16BE(2);
  return {
    kind: "query",
    query: {
      id: message.readUInt16BE(0),
      question: read.question,
      questionBytes: message.subarray(headerBytes, read.end),
      recursionDesired: (bits & flags.recursionDesired) !== 0,
      checkingDisabled: (bits & flags.checkingDisabled) !== 0,
      edns:
        option?.type === "OPT"
          ? {
              version: option.ednsVersion,
              udpBytesMax: Math.max(plainUdpBytes, option.udpPayloadSize),
              wantsDnssec: (option.flags & dnssecOk) !== 0,
            }
          : undefined,
    },
  };
}

/** The first question. Its name must stand there in full: nothing came before that it could point to. */
function readQuestion(message: Buffer): { readonly question: Question; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = headerBytes;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > labelBytesMax) return undefined;
    at++;
    if (length === 0) break;
    if (at + length > message.length || at + length - headerBytes > nameBytesMax - 1) return undefined;
    labels.push(
      message.toString("latin1", at, at + length).replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
    );
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  const question = { labels, type: message.readUInt16BE(at), class: message.readUInt16BE(at + 2) };
  return { question, end: at + 4 };
}

function readAdditionals(message: Buffer): readonly LibraryRecord[] | undefined {
  try {
    return decode(message).additionals ?? [];
  } catch {
    return undefined; // the library throws where a message is not what it says
  }
}

/** A response in at most `bytesMax`: whole records as long as they fit, and the client is told when some did not. */
export function writeResponse(query: Query, given: Answer & { kind: "here" }, bytesMax: number): Buffer {
  const option = query.edns === undefined ? undefined : ednsRecord(given.rcode, query.edns.wantsDnssec);
  const room = bytesMax - headerBytes - query.questionBytes.length - (option?.length ?? 0);
  const name = query.question.labels.join(".");
  const sections = [given.answers, given.authorities, given.additionals].map((records) =>
    records.map((record) => recordBytes(record, name)),
  );
  let used = 0;
  let isCut = false;
  let isFull = false;
  const kept = sections.map((records, section) =>
    records.filter((bytes) => {
      isFull ||= used + bytes.length > room;
      // Nobody misses what was only there to save a question.
      if (isFull) isCut ||= section < 2;
      else used += bytes.length;
      return !isFull;
    }),
  );
  const [answers = [], authorities = [], additionals = []] = kept;
  const header = headerFor(query, given.rcode & 15, {
    isCut,
    isAuthoritative:
      given.elsewhere === undefined && given.rcode !== rcodes.refused && given.rcode !== rcodes.serverFailure,
    counts: [1, answers.length, authorities.length, additionals.length + (option === undefined ? 0 : 1)],
  });
  return Buffer.concat([
    header,
    query.questionBytes,
    ...answers,
    ...authorities,
    ...additionals,
    ...(option === undefined ? [] : [option]),
  ]);
}

/** How much a client takes. */
export function responseBytesMax(query: Query, protocol: "udp" | "tcp"): number {
  if (protocol === "tcp") return 65_535;
  return Math.min(query.edns?.udpBytesMax ?? plainUdpBytes, udpBytesMax);
}

/** The question again, in the server's own words, for another server. */
export function writeForwarded(query: Query, id: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags.recursionDesired | (query.checkingDisabled ? flags.checkingDisabled : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  const option = query.edns === undefined ? [] : [ednsRecord(0, query.edns.wantsDnssec)];
  return Buffer.concat([header, query.questionBytes, ...option]);
}

/** Another server's answer to `writeForwarded`, as an answer to the client; undefined when it is none. */
export function readForwarded(query: Query, response: Buffer, id: number): Buffer | undefined {
  if (response.length < headerBytes || response.readUInt16BE(0) !== id) return undefined;
  if ((response.readUInt16BE(2) & flags.response) === 0 || ((response.readUInt16BE(2) >> 11) & 15) !== 0)
    return undefined;
  const end = headerBytes + query.questionBytes.length;
  const read = response.readUInt16BE(4) === 1 ? readQuestion(response) : undefined;
  const { labels, type, class: questionClass } = query.question;
  const isSame =
    read?.end === end &&
    read.question.type === type &&
    read.question.class === questionClass &&
    read.question.labels.every((label, at) => label === labels[at]);
  // Some leave the question away where they refuse it.
  const isRefusal = response.readUInt16BE(4) === 0 && (response.readUInt16BE(2) & 15) !== 0;
  if (!isSame) return isRefusal ? emptyResponse(query, response, 0) : undefined;
  const answered = Buffer.from(response);
  answered.writeUInt16BE(query.id, 0);
  answered.set(query.questionBytes, headerBytes);
  return answered;
}

/** The client is told where it takes less. */
export function fittedAnswer(query: Query, answer: Buffer, bytesMax: number): Buffer {
  return answer.length > bytesMax ? emptyResponse(query, answer, flags.truncated) : answer;
}

export const rcodeOf = (response: Buffer): number => response.readUInt16BE(2) & 15;
export const isTruncated = (response: Buffer): boolean => (response.readUInt16BE(2) & flags.truncated) !== 0;

/** The addresses at the end of a chain of aliases that another server told, and the chain. */
export function addressRecords(response: Buffer): readonly DnsRecord[] | undefined {
  try {
    return (decode(response).answers ?? []).flatMap((record) => {
      const { type } = record;
      const name = canonicalName(record.name);
      if ((type !== "A" && type !== "AAAA" && type !== "CNAME") || record.class !== "IN") return [];
      const data = type === "CNAME" ? canonicalName(record.data) : record.data;
      return name === undefined || data === undefined ? [] : [{ name, type, ttl: record.ttl ?? 0, data }];
    });
  } catch {
    return undefined;
  }
}

function emptyResponse(query: Query, response: Buffer, extraFlags: number): Buffer {
  const header = Buffer.from(response.subarray(0, headerBytes));
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(header.readUInt16BE(2) | extraFlags, 2);
  for (const [at, count] of [1, 0, 0, 0].entries()) header.writeUInt16BE(count, 4 + 2 * at);
  return Buffer.concat([header, query.questionBytes]);
}

function headerFor(
  query: Query,
  rcode: number,
  parts: { readonly isCut: boolean; readonly isAuthoritative: boolean; readonly counts: readonly number[] },
): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(query.id, 0);
  const bits =
    flags.response |
    flags.recursionAvailable |
    (parts.isAuthoritative ? flags.authoritative : 0) |
    (parts.isCut ? flags.truncated : 0) |
    (query.recursionDesired ? flags.recursionDesired : 0) |
    (query.checkingDisabled ? flags.checkingDisabled : 0) |
    rcode;
  header.writeUInt16BE(bits, 2);
  for (const [at, count] of parts.counts.entries()) header.writeUInt16BE(count, 4 + 2 * at);
  return header;
}

function bareHeader(message: Buffer, rcode: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(message.readUInt16BE(0), 0);
  const kept = message.readUInt16BE(2) & (0x7800 | flags.recursionDesired);
  header.writeUInt16BE(flags.response | kept | rcode, 2);
  return header;
}

/** A record of the question's own name says so in two bytes. */
function recordBytes(record: DnsRecord, questionName: string): Buffer {
  const isAsked = record.name === questionName;
  const bytes = encode({ type: "response", answers: [isAsked ? { ...record, name: "." } : record] });
  const alone = bytes.subarray(headerBytes);
  return isAsked ? Buffer.concat([pointerToQuestion, alone.subarray(1)]) : alone;
}
const pointerToQuestion = Buffer.from([0xc0, headerBytes]);

function ednsRecord(rcode: number, wantsDnssec: boolean): Buffer {
  const option = {
    type: "OPT",
    name: ".",
    udpPayloadSize: udpBytesMax,
    extendedRcode: rcode >> 4,
    ednsVersion: 0,
    flags: wantsDnssec ? dnssecOk : 0,
    flag_do: wantsDnssec,
    options: [],
  } as const;
  return encode({ type: "response", additionals: [{ ...option, options: [] }] }).subarray(headerBytes);
}
