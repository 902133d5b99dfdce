import { notAcceptable } from "../api-error.ts";

/** The form of an answer. `table`, `metadata` and `metadataList` are the reduced forms of meta.k8s.io. */
export interface Output {
  readonly format: "json" | "yaml";
  readonly as: "object" | "table" | "metadata" | "metadataList";
  /** Of meta.k8s.io, for the reduced forms. */
  readonly version: "v1" | "v1beta1";
}

export const plainOutput: Output = { format: "json", as: "object", version: "v1" };

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const servedTypes = ["application/json", "application/yaml"];

/** The best of what the client accepts that we can give; fails with 406. Pure.
 *  @param options `tables`: can what is asked for be shown as a table? `metadata`: has it metadata? */
export function negotiate(
  accept: string,
  options: { readonly tables: boolean; readonly metadata: boolean },
): Output {
  if (accept.trim() === "") return plainOutput;
  for (const range of mediaRanges(accept)) {
    const output = outputFor(range);
    if (output === undefined) continue;
    if (output.as === "object" || (output.as === "table" ? options.tables : options.metadata)) return output;
  }
  throw notAcceptable(servedTypes);
}

/** Ranges, the preferred ones first. */
export function mediaRanges(accept: string): readonly MediaRange[] {
  const ranges = accept.split(",").map((part): MediaRange => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const parameters = new Map(
      rest.map((piece): [string, string] => {
        const at = piece.indexOf("=");
        return at < 0 ? [piece, ""] : [piece.slice(0, at).toLowerCase(), piece.slice(at + 1)];
      }),
    );
    const quality = Number(parameters.get("q") ?? 1);
    return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
  });
  return ranges.filter((range) => range.quality > 0).sort((a, b) => b.quality - a.quality);
}

function outputFor({ type, parameters }: MediaRange): Output | undefined {
  const format =
    type === "application/yaml" || type === "application/x-yaml" || type === "text/yaml"
      ? "yaml"
      : type === "application/json" || type === "application/*" || type === "*/*"
        ? "json"
        : undefined;
  if (format === undefined) return undefined;
  const as = parameters.get("as");
  if (as === undefined) return { format, as: "object", version: "v1" };
  const version = parameters.get("v") ?? "v1";
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (as === "Table") return { format, as: "table", version };
  if (as === "PartialObjectMetadata") return { format, as: "metadata", version };
  if (as === "PartialObjectMetadataList") return { format, as: "metadataList", version };
  return undefined;
}
