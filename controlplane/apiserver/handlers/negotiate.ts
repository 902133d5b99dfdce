import { notAcceptable, unroutable } from "../api-error.ts";
import { isRouted, type MediaRange, mediaRanges } from "./accept-header.ts";

export type Format = "json" | "yaml" | "protobuf";

/** The form of an answer. `table`, `metadata` and `metadataList` are the reduced forms of meta.k8s.io. */
export interface Output {
  readonly format: Format;
  readonly as: "object" | "table" | "metadata" | "metadataList";
  /** Of meta.k8s.io, for the reduced forms. */
  readonly version: "v1" | "v1beta1";
  /** JSON is laid out in lines, for people. */
  readonly isPretty: boolean;
}

export const plainOutput: Output = { format: "json", as: "object", version: "v1", isPretty: false };

/** In the order in which a wildcard takes them. */
export const mediaTypes: Readonly<Record<Format, string>> = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: "application/vnd.kubernetes.protobuf",
};
const formats = Object.keys(mediaTypes) as Format[];
const servedTypes = Object.values(mediaTypes);
/** Forms in which changes can follow one another. */
export const streamTypes = [mediaTypes.json, mediaTypes.protobuf].map((type) => `${type};stream=watch`);

/** What an answer can be. */
export interface Offered {
  /** Can it be shown as a table? */
  readonly tables: boolean;
  /** Has it metadata? */
  readonly metadata: boolean;
  /** Is the whole of it a protobuf message? Custom objects are not. */
  readonly protobuf: boolean;
  /** What its route gives; absent where the route takes whatever is accepted. */
  readonly routed?: readonly string[];
  /** The request asks for what people can read. */
  readonly forPeople?: boolean;
}

const servedOrStreamed = [...servedTypes, ...streamTypes];

/** What routes of objects give: where there is a list there is a watch. */
export function routedTypes(canStream: boolean): readonly string[] {
  return canStream ? servedOrStreamed : servedTypes;
}

/** The best of what the client accepts that we can give; fails with 406. Pure. */
export function negotiate(accept: string, offered: Offered): Output {
  if (accept === "") return { ...plainOutput, isPretty: offered.forPeople ?? false };
  if (offered.routed !== undefined && !isRouted(accept, offered.routed)) throw unroutable(offered.routed);
  const output = best(accept, offered);
  if (output === undefined) throw notAcceptable(servedTypes);
  return output;
}

const unasked = { format: "json", isPretty: true } as const;
const statusOnly: Offered = { tables: false, metadata: false, protobuf: true };

/** The form of a Status that tells of an error: JSON for whoever accepts nothing that we can give. Pure. */
export function statusForm(accept: string, forPeople: boolean): Pick<Output, "format" | "isPretty"> {
  const offered = { ...statusOnly, forPeople };
  // Kubernetes lays out what it says to those who take nothing that it has.
  return accept === "" ? { format: "json", isPretty: forPeople } : (best(accept, offered) ?? unasked);
}

function best(accept: string, offered: Offered): Output | undefined {
  for (const range of mediaRanges(accept))
    for (const format of formats) {
      const output = matches(range.type, mediaTypes[format]) ? outputFor(format, range, offered) : undefined;
      if (output !== undefined) return output;
    }
  return undefined;
}

function matches(range: string, type: string): boolean {
  return range === type || range === "*/*" || (range.endsWith("/*") && type.startsWith(range.slice(0, -1)));
}

function outputFor(format: Format, { parameters }: MediaRange, offered: Offered): Output | undefined {
  const isPretty = format === "json" && (offered.forPeople === true || parameters.get("pretty") === "1");
  const stream = parameters.get("stream") ?? "";
  if (stream !== "" && (stream !== "watch" || format === "yaml")) return undefined;
  const serverVersion = parameters.get("sv") ?? "";
  if (serverVersion !== "" && serverVersion !== "v1") return undefined;
  if (!parameters.has("as") && !parameters.has("g") && !parameters.has("v"))
    return format !== "protobuf" || offered.protobuf
      ? { format, as: "object", version: "v1", isPretty }
      : undefined;
  const version = parameters.get("v");
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  switch (parameters.get("as")) {
    case "Table":
      return offered.tables && format !== "protobuf" ? { format, as: "table", version, isPretty } : undefined;
    case "PartialObjectMetadata":
      return offered.metadata ? { format, as: "metadata", version, isPretty } : undefined;
    case "PartialObjectMetadataList":
      return offered.metadata ? { format, as: "metadataList", version, isPretty } : undefined;
    default:
      return undefined;
  }
}
