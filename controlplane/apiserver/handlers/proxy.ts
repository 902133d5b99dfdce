import type { IncomingMessage } from "node:http";
import { type ClientRequest, request as httpRequest } from "node:http";
import type { RequestOptions } from "node:https";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connect as tlsConnect } from "node:tls";
import { promisify } from "node:util";
import { deflateRaw, gunzip, gzip, inflateRaw } from "node:zlib";
import { dialText } from "../../../base/dial-text.ts";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import { join } from "../../../base/os/join.ts";
import { badRequest, methodNotAllowed, serviceUnavailable, unknownError } from "../api-error.ts";
import type { RequestInfo, ResourceInfo } from "../filters/request-info.ts";
import { tlsOptions } from "../reach/node-link.ts";
import { placeText } from "../reach/place.ts";
import { type ProxyPlace, proxyPlace } from "../reach/proxy-place.ts";
import type { Kind } from "../registry/kind.ts";
import type { HandlerDeps } from "./call.ts";
import { passRefusal, rawHead, type UpgradeRequest } from "./pod-stream.ts";
import { requestHeaders, responseHeaders } from "./proxy-headers.ts";
import { rewriteHtml, rewriteUrl, type Seen } from "./proxy-rewrite.ts";

const methods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
/** Pages beyond this go through with their links as they are. */
const pageBytesMax = 4 * 1024 * 1024;

export function isProxy({ subresources }: Kind, subresource: string): boolean {
  return subresource === "proxy" && subresources.special?.includes(subresource) === true;
}

interface ProxyAsk {
  readonly info: RequestInfo;
  readonly target: ResourceInfo;
  readonly deps: HandlerDeps;
}

/** pods, services and nodes NAME/proxy/PATH: the request as it came, to what is named, and the answer back, both as they come. */
export async function proxyRequest(
  request: IncomingMessage,
  response: HttpResponse,
  { info, target, deps, signal }: ProxyAsk & { readonly signal: AbortSignal },
): Promise<void> {
  if (!methods.has(info.method)) throw methodNotAllowed();
  const to = await proxyPlace(target, deps);
  const { prefix, path } = splitPath(info.path);
  const query = queryOf(request.url ?? "");
  if (path === "" && (info.method === "GET" || info.method === "HEAD")) {
    response.writeHead(301, { Location: `${info.path}/${query}` }).end();
    return;
  }
  const asking = ask(to, deps, {
    method: info.method,
    path: `${path || "/"}${query}`,
    headers: requestHeaders(request, { remoteAddress: remoteOf(request), uri: info.path }),
    signal,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    asking.on("response", resolve);
    asking.on("error", (error) => reject(unreachable(error, to)));
  });
  // The answer may come before the whole of the request went: then the rest of it is nobody's.
  pipeline(request, asking).catch((error: unknown) =>
    deps.log.debug("proxied request ended early", { error }),
  );
  const answer = await answered;
  const seen = { prefix, place: placeText(to.place), askedHost: request.headers.host ?? "" };
  await passAnswer(answer, response, seen).catch((error: unknown) => {
    deps.log.debug("proxied answer ended early", { error });
    response.destroy();
  });
}

/** The same for a request to leave HTTP. Resolves when it is over. */
export async function proxyUpgrade(
  { request, socket, head }: UpgradeRequest,
  { info, target, deps }: ProxyAsk,
): Promise<void> {
  const to = await proxyPlace(target, deps);
  const { path } = splitPath(info.path);
  const upgrade = request.headers.upgrade ?? "";
  const asking = ask(to, deps, {
    method: info.method,
    path: `${path || "/"}${queryOf(request.url ?? "")}`,
    headers: requestHeaders(request, { remoteAddress: remoteOf(request), uri: info.path, upgrade }),
  });
  await new Promise<void>((resolve, reject) => {
    asking.on("error", (error) => reject(unknownError(`error dialing backend: ${textOf(error, to)}`)));
    asking.on("response", (answer) => {
      const code = answer.statusCode ?? 502;
      if (code >= 400) return passRefusal(answer, socket, resolve);
      answer.destroy();
      reject(unknownError(`invalid upgrade response: status code ${code}`));
    });
    asking.on("upgrade", (answer, far, farHead) => {
      far.on("error", () => far.destroy());
      socket.write(rawHead(answer));
      if (farHead.length > 0) socket.write(farHead);
      if (head.length > 0) far.write(head);
      join(socket, far, deps.clock, resolve);
    });
    socket.on("close", () => asking.destroy());
    asking.end();
  });
}

/** What stands before what is asked of the backend, and that, as it was sent: escapes stay escapes. */
function splitPath(path: string): { readonly prefix: string; readonly path: string } {
  const parts = path.split("/");
  const at = parts.findIndex(
    (part, index) => part === "proxy" && index >= (parts[3] === "namespaces" ? 7 : 5),
  );
  const end = at < 0 ? parts.length : at + 1;
  const rest = parts.slice(end);
  return { prefix: parts.slice(0, end).join("/"), path: rest.length === 0 ? "" : `/${rest.join("/")}` };
}

function queryOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at);
}

function remoteOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? "";
}

function ask(
  { isTls, isAgent, place }: ProxyPlace,
  deps: HandlerDeps,
  options: {
    readonly method: string;
    readonly path: string;
    readonly headers: readonly string[];
    readonly signal?: AbortSignal;
  },
): ClientRequest {
  const createConnection: NonNullable<RequestOptions["createConnection"]> = (_, oncreate) => {
    const done = oncreate as (error: Error | null, stream?: Duplex) => void;
    deps.dialer.place(place, options.signal).then((raw) => {
      if (!isTls) return done(null, raw);
      // As in Kubernetes: pods and services are not known by certificates here; agents are, as far as an authority is known.
      const trust = isAgent ? tlsOptions(deps.nodes.tls) : { rejectUnauthorized: false };
      const secured = tlsConnect({ ...trust, socket: raw, ...(isAgent && { host: place.host }) });
      secured.once("close", () => raw.destroy());
      secured.once("error", done);
      secured.once("secureConnect", () => done(null, secured));
    }, done);
    return undefined;
  };
  const { headers, ...rest } = options;
  return httpRequest({
    ...rest,
    host: place.host,
    port: place.port,
    headers: [...headers],
    createConnection,
  });
}

function textOf(error: Error, { place }: ProxyPlace): string {
  return dialText(error, place);
}

function unreachable(error: Error, to: ProxyPlace): Error {
  if (error.message === "address not allowed") return badRequest(error.message);
  return serviceUnavailable(`error trying to reach service: ${textOf(error, to)}`);
}

async function passAnswer(answer: IncomingMessage, response: HttpResponse, seen: Seen): Promise<void> {
  const headers = responseHeaders(answer);
  const { location } = answer.headers;
  const encoding = answer.headers["content-encoding"] ?? "";
  const isPage =
    location === undefined &&
    answer.headers["content-type"]?.split(";")[0]?.trim() === "text/html" &&
    Object.hasOwn(codecs, encoding) &&
    answer.method !== "HEAD";
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (isPage && lower === "content-length") continue;
    response.appendHeader(name, lower === "location" ? rewriteUrl(value, seen) : value);
  }
  response.statusCode = answer.statusCode ?? 502;
  response.statusMessage = answer.statusMessage ?? "";
  if (!isPage) {
    response.flushHeaders();
    return pipeline(answer, response);
  }
  const page = await collected(answer);
  const text = page.isWhole ? await rewritten(page.bytes, encoding as Encoding, seen) : page.bytes;
  response.write(text);
  return pipeline(answer, response);
}

async function collected(
  answer: IncomingMessage,
): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer.iterator({ destroyOnReturn: false })) {
    pieces.push(piece);
    length += piece.length;
    if (length > pageBytesMax) return { bytes: Buffer.concat(pieces), isWhole: false };
  }
  return { bytes: Buffer.concat(pieces), isWhole: true };
}

type Encoding = "" | "gzip" | "deflate";
interface Codec {
  decode(bytes: Buffer): Promise<Buffer>;
  encode(bytes: Buffer): Promise<Buffer>;
}
const unpacked = { maxOutputLength: pageBytesMax };
const codecs: Readonly<Record<Encoding, Codec>> = {
  "": { decode: async (bytes) => bytes, encode: async (bytes) => bytes },
  gzip: { decode: (bytes) => promisify(gunzip)(bytes, unpacked), encode: (bytes) => promisify(gzip)(bytes) },
  deflate: {
    decode: (bytes) => promisify(inflateRaw)(bytes, unpacked),
    encode: (bytes) => promisify(deflateRaw)(bytes),
  },
};

/** A page that cannot be unpacked, or is too large then, goes through as it is. */
async function rewritten(bytes: Buffer, encoding: Encoding, seen: Seen): Promise<Buffer> {
  const codec = codecs[encoding];
  const page = await codec.decode(bytes).catch((error: unknown) => {
    if (error instanceof Error) return undefined;
    throw error;
  });
  if (page === undefined) return bytes;
  // Bytes, whatever their alphabet: what is changed are letters that all alphabets share.
  return codec.encode(Buffer.from(rewriteHtml(page.toString("latin1"), seen), "latin1"));
}
