import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { ApiError } from "../api-error.ts";
import type { Encodings } from "../cache/encodings.ts";
import { header } from "../filters/request-info.ts";
import { type JsonObject, jsonText, objectOf, prettyJsonText } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { type StoredObject, withoutType } from "../registry/stored-object.ts";
import { encodeKubernetesProtobuf } from "../schema/protobuf-envelope.ts";
import type { Answer, ListAnswer } from "./call.ts";
import { mediaTypes, type Output, statusForm } from "./negotiate.ts";
import { listProtobuf, objectProtobuf } from "./protobuf-answer.ts";
import { isForPeople } from "./reader.ts";
import {
  checkForm,
  includeObjectOf,
  kindView,
  metadataAlone,
  partialMetadata,
  servedObject,
  type TableOptions,
  type TableView,
  table,
} from "./shapes.ts";
import { tableParts } from "./table-parts.ts";
import { yamlAnswer } from "./yaml-answer.ts";

/** Answers of at least this size are compressed for clients that can read it (as Kubernetes does). */
export const gzipFromBytes = 128 * 1024;
/** The level Kubernetes uses: speed over size. */
export const gzipLevel = 1;
/** Answers of at least this size keep the request's seat until the client has taken them. */
const awaitedFromBytes = 128 * 1024;
const compress = promisify(gzip);

export const plainText = "text/plain; charset=utf-8";

export interface Shown {
  readonly served: ServedKind;
  readonly output: Output;
  readonly encodings: Encodings;
  /** What this server has just written is held with its encodings. */
  readonly storedAs: (object: KubeObject) => StoredObject | undefined;
  readonly query: URLSearchParams;
  readonly nowMs: number;
}

type Bytes = string | Uint8Array | Iterable<Uint8Array>;

/** An answer in the form asked for: whole, or, of a list, in parts. */
export function answerBytes(
  answer: Exclude<Answer, { type: "stream" }>,
  shown: Shown,
): Bytes | Promise<Bytes> {
  if (answer.type !== "list" || shown.output.format !== "protobuf") return answerNow(answer, shown);
  checkForm(shown.output, shown.served.kind, true);
  return listProtobuf(answer.list.items, listMetadata(answer.list), shown);
}

/** The same in JSON as one text, for whoever keeps answers. */
export function answerText(answer: Exclude<Answer, { type: "stream" }>, shown: Shown): string {
  const bytes = answerNow(answer, { ...shown, output: { ...shown.output, format: "json", isPretty: false } });
  if (typeof bytes === "string") return bytes;
  return Buffer.concat(bytes instanceof Uint8Array ? [bytes] : [...bytes]).toString("utf8");
}

/** What takes no turns: a list's parts are made one after the other when they are asked for. */
function answerNow(answer: Exclude<Answer, { type: "stream" }>, shown: Shown): Bytes {
  const { as, format, isPretty } = shown.output;
  // What others converted is at hand now: later the objects may have been packed.
  if (answer.type === "list" && format === "json" && !isPretty && shown.served.slow === undefined) {
    checkForm(shown.output, shown.served.kind, true);
    return as === "table" ? tableOf(answer.list, shown) : listParts(answer.list, shown);
  }
  const stored = answer.type === "object" ? (answer.stored ?? shown.storedAs(answer.object)) : undefined;
  if (stored !== undefined && isPlain(shown)) return stored.json();
  if (stored !== undefined && format === "protobuf") {
    checkForm(shown.output, shown.served.kind, false);
    return objectProtobuf(stored, shown);
  }
  return bodyBytes(answerBody(answer, shown), shown.output);
}

/** Whatever nobody keeps. */
export function bodyBytes(
  body: unknown,
  { format, isPretty }: Pick<Output, "format" | "isPretty">,
): string | Uint8Array {
  switch (format) {
    case "json":
      return isPretty ? prettyJsonText(body) : `${jsonText(body)}\n`;
    case "yaml":
      return yamlAnswer(body);
    case "protobuf":
      return encodeKubernetesProtobuf(objectOf(body));
  }
}

/** JSON of the object just as it is stored. */
function isPlain({ served, output }: Shown): boolean {
  return (
    output.as === "object" && output.format === "json" && !output.isPretty && served.convert === undefined
  );
}

function answerBody(answer: Exclude<Answer, { type: "stream" }>, shown: Shown): unknown {
  const { served, output } = shown;
  if (answer.type === "json") return answer.body;
  if (answer.type === "review") {
    const { metadata } = answer.body;
    checkForm(output, served.kind, false);
    return output.as === "metadata" ? partialMetadata(objectOf(metadata), output.version) : answer.body;
  }
  const view = answer.type === "seenAs" ? answer.view : kindView(served);
  const options = tableOptions(shown, view);
  if (answer.type !== "list") {
    const { object } = answer;
    checkForm(output, answer.type === "seenAs" ? groupKindOf(object) : served.kind, false);
    const { resourceVersion } = object.metadata;
    if (output.as === "table") return table(options, [object], { resourceVersion });
    return output.as === "metadata"
      ? metadataAlone(view.kind ?? {}, object, output.version)
      : view.whole(object);
  }
  checkForm(output, served.kind, true);
  const { list } = answer;
  const objects = list.items.map((item) => itemObject(list, item));
  const metadata = listMetadata(list);
  if (output.as === "table") return table(options, objects, metadata);
  if (output.as === "metadataList") {
    const items = objects.map((object) => metadataAlone(served.kind, object, output.version));
    return {
      kind: "PartialObjectMetadataList",
      apiVersion: `meta.k8s.io/${output.version}`,
      metadata,
      items: items.length === 0 ? null : items,
    };
  }
  const items = objects.map((object) => {
    const shown = servedObject(served, object);
    return isCustom(served) ? shown : withoutType(shown);
  });
  return {
    kind: `${served.kind.kind}List`,
    apiVersion: served.apiVersion,
    metadata: wholeMetadata(served, metadata),
    items,
  };
}

function tableOf(list: ListAnswer, shown: Shown): Iterable<Uint8Array> {
  return tableParts(tableOptions(shown, kindView(shown.served)), list.items, listMetadata(list));
}

function tableOptions({ output, query, nowMs }: Shown, view: TableView): TableOptions {
  return { view, version: output.version, include: includeObjectOf(query), nowMs };
}

function groupKindOf({ apiVersion, kind }: KubeObject): Pick<Kind, "group" | "kind"> {
  return { group: apiVersion.split("/").at(-2) ?? "", kind };
}

function listMetadata(list: ListAnswer): JsonObject {
  return {
    // What is made up for the answer is of no version.
    ...(list.revision !== 0 && { resourceVersion: String(list.revision) }),
    ...(list.continue !== "" && { continue: list.continue }),
    ...(list.remaining !== undefined && { remainingItemCount: list.remaining }),
  };
}

const itemObject = ({ known }: ListAnswer, item: StoredObject) => known?.objects.get(item) ?? item.glance();

/** Kubernetes has no types of its own for custom resources: their lists are written as they are. */
const isCustom = ({ schema }: ServedKind) => schema !== undefined;

function wholeMetadata(served: ServedKind, metadata: JsonObject): JsonObject {
  return isCustom(served) ? { continue: "", ...metadata } : metadata;
}

/** A list out of its items' bytes, which are made once however often they are listed. */
function* listParts(list: ListAnswer, { served, output }: Shown): Generator<Uint8Array> {
  const asMetadata = output.as === "metadataList";
  const metadata = asMetadata ? listMetadata(list) : wholeMetadata(served, listMetadata(list));
  const type = asMetadata
    ? { kind: "PartialObjectMetadataList", apiVersion: `meta.k8s.io/${output.version}` }
    : { kind: `${served.kind.kind}List`, apiVersion: served.apiVersion };
  if (asMetadata && list.items.length === 0) {
    yield Buffer.from(`${jsonText({ ...type, metadata, items: null })}\n`);
    return;
  }
  yield Buffer.from(`${jsonText({ ...type, metadata }).slice(0, -1)},"items":[`);
  let isFirst = true;
  for (const item of list.items) {
    if (!isFirst) yield comma;
    isFirst = false;
    if (asMetadata)
      yield Buffer.from(jsonText(metadataAlone(served.kind, itemObject(list, item), output.version)));
    else if (served.convert === undefined) yield isCustom(served) ? item.json() : item.bareJson();
    else {
      const object = servedObject(served, itemObject(list, item));
      yield Buffer.from(jsonText(isCustom(served) ? object : withoutType(object)));
    }
  }
  yield listEnd;
}
const comma = Buffer.from(",");
const listEnd = Buffer.from("]}\n");

/** Sends a whole body, compressed where that helps. Resolves when a large one is on its way to the client, or nobody wants it. */
export async function send(
  request: IncomingMessage,
  response: HttpResponse,
  answer: {
    readonly code: number;
    /** Empty: there is no body. */
    readonly contentType: string;
    readonly body: string | Uint8Array;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  let body = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  response.statusCode = answer.code;
  if (answer.contentType !== "") response.setHeader("Content-Type", answer.contentType);
  response.setHeader("Cache-Control", "no-cache, private");
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  const isPart = answer.code === 206;
  if (
    !isPart &&
    body.length >= gzipFromBytes &&
    /\bgzip\b/.test(header(request.headers, "accept-encoding"))
  ) {
    body = await compress(body, { level: gzipLevel });
    response.setHeader("Content-Encoding", "gzip");
  }
  if (answer.code !== 304) response.setHeader("Content-Length", body.length);
  response.end(request.method === "HEAD" ? undefined : body);
  // A client that leaves it unread may not ask for the next one meanwhile.
  if (body.length >= awaitedFromBytes && !response.writableFinished && !response.destroyed)
    await new Promise<void>((resolve) => response.once("finish", resolve).once("close", resolve));
}

/** Sends a refusal as a Status, or as the text that it is to be. Nothing may have been sent before. */
export function sendError(request: IncomingMessage, response: HttpResponse, error: ApiError): Promise<void> {
  const retryAfter = error.details?.retryAfterSeconds;
  if (retryAfter !== undefined) response.setHeader("Retry-After", retryAfter);
  if (error.text !== undefined) {
    response.setHeader("X-Content-Type-Options", "nosniff");
    return send(request, response, { code: error.code, contentType: plainText, body: error.text });
  }
  return send(request, response, { code: error.code, ...statusBody(request, error) });
}

/** A refusal as a Status in the form that the client prefers. */
export function statusBody(
  { url, headers }: IncomingMessage,
  error: ApiError,
): { readonly contentType: string; readonly body: string | Uint8Array } {
  const query = new URLSearchParams(url?.split("?")[1] ?? "");
  const form = statusForm(header(headers, "accept"), isForPeople(query, header(headers, "user-agent")));
  return { contentType: mediaTypes[form.format], body: bodyBytes(error.status(), form) };
}
