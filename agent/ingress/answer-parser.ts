/** Reads what endpoints answer by HTTP/1.1, strictly (RFC 9112): an answer whose end could be found in two ways is none, nor is one
 *  with a line that only some readers take for one. No IO. */

export interface AnswerHead {
  readonly status: number;
  /** Names in lower case and values by turns. */
  readonly headers: readonly string[];
}

/** Told in this order. */
export interface AnswerTaker {
  head(head: AnswerHead): void;
  /** Only lent. */
  body(bytes: Buffer): void;
  /** The answer is whole; what is behind its body by turns. */
  whole(trailers: readonly string[]): void;
}

/** What is read is no answer. */
export class AnswerFault extends Error {}

export const answerLimits = {
  /** Of a head, and of all that stands behind a body. */
  headBytesMost: 64 * 1024,
  /** Answers with a status below 200 before the one that counts. */
  informationalMost: 32,
  chunkLineBytesMost: 1024,
} as const;

type State =
  | "head"
  /** So many bytes are left of the body, or of a chunk. */
  | "body"
  | "chunk"
  | "untilClose"
  | "chunkLine"
  | "chunkEnd"
  | "trailers"
  | "done";

const lineFeed = 0x0a;
const none: readonly string[] = [];

export class AnswerParser {
  readonly #taker: AnswerTaker;
  #state: State = "done";
  #isHeadOnly = false;
  /** What has come of the head or the trailers, and of the line that is being read; together bounded. */
  #lines = "";
  #line = "";
  #left = 0;
  #informational = 0;
  #keepsAlive = false;
  #idleSecondsMost: number | undefined;

  constructor(taker: AnswerTaker) {
    this.#taker = taker;
  }

  /** An answer to a request of this method comes next. */
  expect(method: string): void {
    this.#state = "head";
    this.#isHeadOnly = method === "HEAD";
    this.#lines = "";
    this.#line = "";
    this.#informational = 0;
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Whether the endpoint takes another request on the connection, once the answer is whole. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /** How long the endpoint says that it keeps an idle connection. */
  get idleSecondsMost(): number | undefined {
    return this.#idleSecondsMost;
  }

  /** @returns The place behind what belongs to the answer. @throws AnswerFault */
  read(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && this.#state !== "done") at = this.#step(bytes, at);
    return at;
  }

  /** The endpoint says no more. False: the answer is not whole. */
  close(): boolean {
    if (this.#state === "done") return true;
    if (this.#state !== "untilClose") return false;
    this.#finish(none);
    return true;
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case "head":
      case "trailers":
        return this.#readBlock(bytes, at);
      case "body":
      case "chunk": {
        const until = Math.min(bytes.length, at + this.#left);
        this.#left -= until - at;
        this.#taker.body(bytes.subarray(at, until));
        if (this.#left === 0 && this.#state === "chunk") this.#state = "chunkEnd";
        else if (this.#left === 0) this.#finish(none);
        return until;
      }
      case "untilClose":
        this.#taker.body(bytes.subarray(at));
        return bytes.length;
      case "chunkLine":
      case "chunkEnd": {
        const behind = this.#readLine(bytes, at, answerLimits.chunkLineBytesMost);
        if (behind === undefined) return bytes.length;
        this.#chunk(this.#takeLine());
        return behind;
      }
      case "done":
        return at;
    }
  }

  /** Lines until an empty one. */
  #readBlock(bytes: Buffer, at: number): number {
    if (this.#state === "head" && this.#lines === "" && this.#line === "") {
      const last = bytes.indexOf("\r\n\r\n", at, "latin1");
      if (last - at > answerLimits.headBytesMost) throw new AnswerFault("the head is too long");
      if (last >= 0) {
        this.#head(bytes.toString("latin1", at, last + 2));
        return last + 4;
      }
    }
    const behind = this.#readLine(bytes, at, answerLimits.headBytesMost - this.#lines.length);
    if (behind === undefined) return bytes.length;
    const line = this.#takeLine();
    if (line !== "") {
      this.#lines += `${line}\r\n`;
      return behind;
    }
    const lines = this.#lines;
    this.#lines = "";
    if (this.#state === "head") this.#head(lines);
    else this.#finish(fieldsOf(lines, 0));
    return behind;
  }

  /** @returns The place behind the line, which `#takeLine` gives; undefined: its end is yet to come. */
  #readLine(bytes: Buffer, at: number, bytesMost: number): number | undefined {
    const end = bytes.indexOf(lineFeed, at);
    const until = end < 0 ? bytes.length : end;
    if (this.#line.length + until - at > bytesMost) throw new AnswerFault("a line is too long");
    this.#line += bytes.toString("latin1", at, until);
    return end < 0 ? undefined : end + 1;
  }

  #takeLine(): string {
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r")) throw new AnswerFault("a line ends otherwise than by CR and LF");
    return line.slice(0, -1);
  }

  #chunk(line: string): void {
    if (this.#state === "chunkEnd") {
      if (line !== "") throw new AnswerFault("a chunk is longer than it says");
      this.#state = "chunkLine";
      return;
    }
    const size = /^([0-9a-fA-F]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1];
    if (size === undefined) throw new AnswerFault("a chunk has no size");
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailers" : "chunk";
  }

  #head(text: string): void {
    const first = text.indexOf("\r\n");
    const line = text.slice(0, first);
    const match = badText.test(line) ? null : /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(line);
    if (match === null) throw new AnswerFault("the answer does not begin as one of HTTP/1");
    const isOld = match[1] === "0";
    const status = Number(match[2]);
    const headers = fieldsOf(text, first + 2);
    if (status < 200) {
      this.#informational += 1;
      if (status === 101) throw new AnswerFault("the endpoint changes to a protocol that nobody asked for");
      if (this.#informational > answerLimits.informationalMost)
        throw new AnswerFault("the endpoint only says that it will answer");
      return;
    }
    const { length, isChunked, connection, idleSecondsMost } = framingOf(headers);
    if (isChunked && (length !== undefined || isOld))
      throw new AnswerFault("the body's end is told in two ways");
    const isBodiless = this.#isHeadOnly || status === 204 || status === 304;
    const isUntilClose = !isBodiless && !isChunked && length === undefined;
    this.#keepsAlive = !isUntilClose && (isOld ? /(^|[\s,])keep-alive([\s,]|$)/i : notClose).test(connection);
    this.#idleSecondsMost = idleSecondsMost;
    this.#left = length ?? 0;
    this.#state = isChunked ? "chunkLine" : isUntilClose ? "untilClose" : "body";
    this.#taker.head({ status, headers });
    if (isBodiless || (!isChunked && length === 0)) this.#finish(none);
  }

  #finish(trailers: readonly string[]): void {
    this.#state = "done";
    this.#taker.whole(trailers);
  }
}

const notClose = /^(?!(.*[\s,])?close([\s,]|$))/i;

/** What no line of a head may have: line ends within it, and other control characters but the tabulator. */
const badText = /[\0-\x08\x0a-\x1f\x7f]/;

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** As endpoints write them -> in lower case, of names that most of them say. */
const knownNames: ReadonlyMap<string, string> = new Map(
  [
    "Accept-Ranges",
    "Access-Control-Allow-Origin",
    "Age",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Security-Policy",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Server",
    "Set-Cookie",
    "Strict-Transport-Security",
    "Transfer-Encoding",
    "Vary",
    "Via",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-Powered-By",
    "X-Request-Id",
  ].flatMap((name) => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]),
);

function fieldName(text: string): string {
  const known = knownNames.get(text);
  if (known !== undefined) return known;
  if (!token.test(text)) throw new AnswerFault("a header has no name");
  return text.toLowerCase();
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

/** @param text Lines, each with its end. */
function fieldsOf(text: string, start: number): readonly string[] {
  const fields: string[] = [];
  for (let at = start; at < text.length; ) {
    const end = text.indexOf("\r\n", at);
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon > end) throw new AnswerFault("a header has no name");
    let [from, to] = [colon + 1, end];
    while (from < to && isBlank(text.charCodeAt(from))) from += 1;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
    const value = text.slice(from, to);
    if (badText.test(value)) throw new AnswerFault("a header has a value that is none");
    fields.push(fieldName(text.slice(at, colon)), value);
    at = end + 2;
  }
  return fields;
}

interface Framing {
  readonly length: number | undefined;
  readonly isChunked: boolean;
  readonly connection: string;
  readonly idleSecondsMost: number | undefined;
}

function framingOf(headers: readonly string[]): Framing {
  let length: number | undefined;
  let isChunked = false;
  let connection = "";
  let idleSecondsMost: number | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const value = headers[at + 1] ?? "";
    switch (headers[at]) {
      case "content-length":
        if (length !== undefined || !/^\d{1,15}$/.test(value))
          throw new AnswerFault("the body's length is none");
        length = Number(value);
        break;
      case "transfer-encoding":
        if (isChunked || value.toLowerCase() !== "chunked")
          throw new AnswerFault("only chunked is known of transfer encodings");
        isChunked = true;
        break;
      case "connection":
        connection = connection === "" ? value : `${connection}, ${value}`;
        break;
      case "keep-alive": {
        const seconds = /(?:^|[\s,;])timeout=(\d{1,6})(?:[\s,;]|$)/i.exec(value)?.[1];
        if (seconds !== undefined) idleSecondsMost = Number(seconds);
      }
    }
  }
  return { length, isChunked, connection, idleSecondsMost };
}
