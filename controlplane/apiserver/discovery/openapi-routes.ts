import type { IncomingHttpHeaders } from "node:http";
import { jsonObject } from "../aggregation/ask.ts";
import type { Elsewhere } from "../aggregation/elsewhere.ts";
import { mediaRanges } from "../handlers/accept-header.ts";
import { jsonText } from "../json.ts";
import type { OpenApiDocument, OpenApiDocuments } from "../openapi/documents.ts";
import { encodeV3 } from "../openapi/gnostic-v3.ts";
import type { PlainAnswer } from "./plain-routes.ts";
import { type ContentAsked, servedContent } from "./served-content.ts";

export interface OpenApiAsked extends ContentAsked {
  readonly query: URLSearchParams;
  readonly accept: string;
  /** If-None-Match. */
  readonly known: string;
  readonly wallMs: number;
}

/** The documents of schemas and operations, each under the name of its content: whoever has that already gets no body, and who asks
 *  for parts gets those. `undefined`: the path leads nowhere. */
export async function openApiRoute(
  [version, ...rest]: readonly string[],
  asked: OpenApiAsked,
  { documents, elsewhere }: { readonly documents: OpenApiDocuments; readonly elsewhere: Elsewhere },
): Promise<PlainAnswer | undefined> {
  if (version === "v2" && rest.length === 0) return v2(asked, documents, elsewhere);
  if (version !== "v3") return undefined;
  if (rest.length === 0) return v3Index(asked, documents, elsewhere);
  const path = rest.join("/");
  const remote = await remoteV3(path, asked, elsewhere);
  if (remote !== undefined) return remote;
  const document = documents.v3(path);
  return document === undefined ? nothing(404) : v3(path, document, { asked, documents });
}

const json = "application/json";
const v2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const v3Protobuf = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";
/** Clients ask by two spellings; this one is no MIME type. */
const spelt = (type: string) => type.replace(/(v[23])\.v1/, "$1@v1");

function v3Index(asked: OpenApiAsked, documents: OpenApiDocuments, elsewhere: Elsewhere): PlainAnswer {
  const own = [...documents.index()].map(([path, etag]) => [path, { serverRelativeURL: v3Url(path, etag) }]);
  const paths = { ...Object.fromEntries(own), ...elsewhere.openApiPaths() };
  // JSON all the same: Kubernetes' aggregator names no type for it either. It is made anew each time, and so always new.
  const contentType = "text/plain; charset=utf-8";
  const body = () => jsonText({ paths });
  // Two of one second may differ: a client's time says nothing of whether it has this one.
  const headers = { ...asked.headers, "if-modified-since": undefined };
  const content = { etag: "", modifiedMs: asked.wallMs, contentType, headers: {}, body };
  return servedContent(content, { ...asked, headers });
}

/** The document of a group and version of another server, under the name and for the time that this gives it. */
async function remoteV3(
  path: string,
  asked: OpenApiAsked,
  elsewhere: Elsewhere,
): Promise<PlainAnswer | undefined> {
  const type = chosen(asked.accept, v3Protobuf);
  const answered = await elsewhere.openApi(path, asked).catch(() => ({ code: 503, body: "", headers: {} }));
  if (answered === undefined) return undefined;
  if (type === undefined) return nothing(406, { Vary: "Accept" });
  const { code, body, headers } = answered;
  const said = headersOf(headers);
  if (code === 304) return nothing(304, said);
  if (code === 301 && said.Location?.startsWith(`/openapi/v3/${path}?`)) return nothing(301, said);
  if (code !== 200) return nothing(code === 404 ? 404 : 503);
  return { code, contentType: type, body: type === json ? body : encodeV3(jsonObject(body)), headers: said };
}

const passedOn = ["Cache-Control", "ETag", "Expires", "Location", "Vary"];

function headersOf(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = headers[name.toLowerCase()];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}

const v3Url = (path: string, etag: string) => `/openapi/v3/${path}?hash=${etag}`;

function v2(asked: OpenApiAsked, documents: OpenApiDocuments, elsewhere: Elsewhere): PlainAnswer {
  const vary = { Vary: "Accept-Encoding, Accept" };
  const type = chosen(asked.accept, v2Protobuf);
  if (type === undefined) return nothing(406, vary);
  const document = documents.v2(elsewhere.swaggerParts());
  const modifiedMs = documents.modifiedMs("v2", document.etag, asked.wallMs);
  return contentOf(document, asked, { type, modifiedMs, headers: vary });
}

function v3(
  path: string,
  document: OpenApiDocument,
  { asked, documents }: { readonly asked: OpenApiAsked; readonly documents: OpenApiDocuments },
): PlainAnswer {
  const { query, accept, wallMs } = asked;
  const type = chosen(accept, v3Protobuf);
  if (type === undefined) return nothing(406, { Vary: "Accept" });
  const { etag } = document;
  const vary = { Vary: "Accept" };
  const hash = query.get("hash") ?? "";
  if (hash !== "" && hash !== etag)
    return {
      ...nothing(301, { ...vary, ETag: `"${etag}"`, Location: v3Url(path, etag) }),
      contentType: type,
    };
  const modifiedMs = documents.modifiedMs(path, etag, wallMs);
  const headers = { ...vary, ...(hash !== "" && lasting(wallMs)) };
  return contentOf(document, asked, { type, modifiedMs, headers });
}

function contentOf(
  document: OpenApiDocument,
  asked: ContentAsked,
  {
    type,
    modifiedMs,
    headers,
  }: {
    readonly type: string;
    readonly modifiedMs: number;
    readonly headers: Readonly<Record<string, string>>;
  },
): PlainAnswer {
  const { etag } = document;
  const body = () => (type === json ? document.json() : document.protobuf());
  return servedContent({ etag, modifiedMs, contentType: type, headers, body }, asked);
}

/** What stands under the name of its content never changes: it may be kept for a year, which is as good as for ever. */
function lasting(wallMs: number): Readonly<Record<string, string>> {
  const end = new Date(wallMs);
  end.setUTCFullYear(end.getUTCFullYear() + 1);
  return { "Cache-Control": "public, immutable", Expires: end.toUTCString().replace(/GMT$/, "UTC") };
}

/** JSON or the protobuf form, whichever the client likes better; undefined: it takes neither. */
function chosen(accept: string, protobuf: string): string | undefined {
  if (accept.trim() === "") return json;
  for (const { type } of mediaRanges(accept)) {
    if (type === json || type === "*/*" || type === "application/*") return json;
    if (type === protobuf || type === spelt(protobuf)) return protobuf;
  }
  return undefined;
}

function nothing(code: number, headers: Readonly<Record<string, string>> = {}): PlainAnswer {
  return { code, contentType: "", body: "", headers };
}
