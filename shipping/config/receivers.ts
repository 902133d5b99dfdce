import { isAbsolute, resolve } from "node:path";
import type { Rotation } from "../../base/os/rotated-file.ts";
import type { Access } from "../receivers/access.ts";
import type { ElasticsearchShape } from "../receivers/elasticsearch-body.ts";
import { type LokiLabel, type LokiShape, lokiLabels } from "../receivers/loki-body.ts";
import type { OtlpShape } from "../receivers/otlp-body.ts";
import type { Section } from "./reading.ts";

export type ReceiverChoice =
  | { readonly kind: "elasticsearch"; readonly access: Access; readonly shape: ElasticsearchShape }
  | { readonly kind: "loki"; readonly access: Access; readonly shape: LokiShape }
  | {
      readonly kind: "otlp";
      readonly protocol: "http" | "grpc";
      readonly access: Access;
      readonly shape: OtlpShape;
    }
  | { readonly kind: "file"; readonly path: string; readonly rotation: Rotation };

interface Around {
  readonly folder: string;
  readonly cluster: string | undefined;
}

const kinds = ["elasticsearch", "loki", "otlp", "file"] as const;
const MiB = 1024 * 1024;
/** What Loki takes by default. */
const lokiLabelsMax = 15;
const noWhere: ReceiverChoice = {
  kind: "file",
  path: "/",
  rotation: { bytesMax: 1, ageDaysMax: 0, filesMax: 0, isLocalTime: false },
};

/** Exactly one of the kinds stands in a receiver. */
export function readReceiver(section: Section, around: Around): ReceiverChoice {
  const given = kinds.filter((kind) => section.has(kind));
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    section.refuse(given[1] ?? "name", `has not exactly one of ${kinds.join(", ")}`);
    return noWhere;
  }
  const own = section.section(kind);
  if (own === undefined) return noWhere;
  const choice = readers[kind](own, around);
  own.end();
  return choice;
}

const readers = {
  elasticsearch(own: Section, around: Around): ReceiverChoice {
    const access = readAccess(own, around, { gzip: true });
    return { kind: "elasticsearch", access, shape: { index: readIndex(own), cluster: around.cluster } };
  },
  loki(own: Section, around: Around): ReceiverChoice {
    const access = readAccess(own, around, { gzip: true });
    return { kind: "loki", access, shape: { ...readLokiShape(own), cluster: around.cluster } };
  },
  otlp(own: Section, around: Around): ReceiverChoice {
    const protocol = own.choice("protocol", ["http", "grpc"], "http");
    const access = readAccess(own, around, { gzip: protocol === "http" });
    if (protocol === "grpc" && access.gzip) own.refuse("gzip", "is for protocol http alone");
    return { kind: "otlp", protocol, access, shape: { cluster: around.cluster } };
  },
  file(own: Section, { folder }: Around): ReceiverChoice {
    const path = own.text("path") ?? "";
    if (path === "") own.refuse("path", "is missing");
    const rotation = {
      bytesMax: own.bytes("maxBytes", { fallback: 100 * MiB, min: 64 * 1024, max: 1024 * 1024 * MiB }),
      filesMax: own.count("maxFiles", { fallback: 10, min: 0, max: 100_000 }),
      ageDaysMax: own.count("maxAgeDays", { fallback: 0, min: 0, max: 100_000 }),
      isLocalTime: false,
    };
    return { kind: "file", path: resolve(folder, path), rotation };
  },
};

function readIndex(own: Section): string {
  const index = own.text("index") ?? "logs-pintle-%Y.%m.%d";
  const plain = index.replace(/%(?:[Ymd]|\{namespace\}|\{source\})/g, "x");
  const isName = /^[a-z0-9.][a-z0-9._-]{0,199}$/.test(plain) && plain !== "." && plain !== "..";
  if (!isName)
    own.refuse(
      "index",
      "is not a name of an index in lower case, with %Y, %m, %d, %{namespace} and %{source} in it",
    );
  return index;
}

function readLokiShape(own: Section): Omit<LokiShape, "cluster"> {
  const given = own.texts("labels");
  const labels = given.flatMap((name): LokiLabel[] => {
    const label = lokiLabels.find((one) => one === name);
    if (label === undefined)
      own.refuse("labels", `has ${JSON.stringify(name)}, which is none of ${lokiLabels.join(", ")}`);
    return label === undefined ? [] : [label];
  });
  const podLabels = own.table("podLabels");
  for (const name of Object.keys(podLabels))
    if (!/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(name) || lokiLabels.some((one) => one === name))
      own.refuse("podLabels", `has ${JSON.stringify(name)}, which is no name of a label, or another's`);
  const chosen: readonly LokiLabel[] =
    given.length > 0 ? labels : lokiLabels.filter((one) => one !== "output");
  if (chosen.length + Object.keys(podLabels).length > lokiLabelsMax)
    own.refuse("podLabels", `makes more than ${lokiLabelsMax} labels`);
  return { labels: chosen, podLabels, structuredMetadata: own.flag("structuredMetadata", true) };
}

function readAccess(own: Section, { folder }: Around, { gzip }: { readonly gzip: boolean }): Access {
  const text = own.text("url") ?? "";
  const url = urlOf(text);
  if (url === undefined) own.refuse("url", "is not an http or https URL without user, query and fragment");
  const headers = own.table("headers");
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name) || !/^[\x20-\x7e]{0,4096}$/.test(value))
      own.refuse("headers", `has ${JSON.stringify(name)}, which is no header with a text`);
    if (
      ["authorization", "content-type", "content-length", "content-encoding", "host"].includes(
        name.toLowerCase(),
      )
    )
      own.refuse("headers", `must not have ${name}: secrets are given as files, the others are set`);
  }
  return {
    url: url ?? new URL("http://localhost"),
    timeoutMs: own.span("timeout", { fallback: 30_000, minMs: 100, maxMs: 600_000 }),
    gzip: own.flag("gzip", gzip),
    headers,
    ...readTls(own, folder, url?.protocol === "https:"),
    ...readAuthentication(own, folder),
  };
}

function readTls(own: Section, folder: string, isSecure: boolean): Partial<Access> {
  const tls = own.section("tls");
  if (tls === undefined) return {};
  if (!isSecure) own.refuse("tls", "is for an https URL");
  const [caFile, certFile, keyFile] = ["caFile", "certFile", "keyFile"].map((name) =>
    pathOf(tls, name, folder),
  );
  const serverName = tls.text("serverName");
  if ((certFile === undefined) !== (keyFile === undefined))
    tls.refuse("certFile", "must be given with keyFile");
  tls.end();
  return {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(serverName !== undefined && { serverName }),
  };
}

function readAuthentication(own: Section, folder: string): Partial<Access> {
  const bearerTokenFile = pathOf(own, "bearerTokenFile", folder);
  const section = own.section("basic");
  const username = section?.text("username");
  const passwordFile = section && pathOf(section, "passwordFile", folder);
  if (section !== undefined && (username === undefined || username.includes(":")))
    section.refuse("username", "is not a user's name without a colon");
  if (section !== undefined && passwordFile === undefined) section.refuse("passwordFile", "is missing");
  if (section !== undefined && bearerTokenFile !== undefined)
    own.refuse("basic", "does not go with bearerTokenFile");
  section?.end();
  return {
    ...(bearerTokenFile !== undefined && { bearerTokenFile }),
    ...(username !== undefined && passwordFile !== undefined && { basic: { username, passwordFile } }),
  };
}

function pathOf(section: Section, name: string, folder: string): string | undefined {
  const path = section.text(name);
  return path === undefined || isAbsolute(path) ? path : resolve(folder, path);
}

function urlOf(text: string): URL | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "" ? url : undefined;
}
