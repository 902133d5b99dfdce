import { createHash } from "node:crypto";
import { exactJsonText, parseExactJson } from "../../../base/exact-json.ts";
import { objectOf } from "../json.ts";
import type { KindRegistry } from "../registry/kind-registry.ts";
import { schema } from "../schema/load.ts";
import type { CustomServed } from "./custom-definitions.ts";
import { encodeV2 } from "./gnostic-v2.ts";
import { encodeV3 } from "./gnostic-v3.ts";
import { mergeSwagger, type SwaggerPart } from "./merge-swagger.ts";
import { type SwaggerDocument, SwaggerWriter } from "./openapi-v2.ts";
import { openapiV3Document } from "./openapi-v3.ts";
import type { ServedAs } from "./operation.ts";
import { type Catalogue, catalogueOf } from "./served-operations.ts";

/** Raise when what this folder writes changes, so that clients fetch anew. */
const formVersion = 2;

/** A document under the name of its content, by which clients keep it. The content is made when it is asked for. */
export interface OpenApiDocument {
  readonly etag: string;
  json(): string;
  /** In the form of gnostic's messages. */
  protobuf(): Uint8Array;
}

export interface OpenApiDocuments {
  /** `apis/apps/v1` -> the name of the document's content. */
  index(): ReadonlyMap<string, string>;
  /** `path` as `apis/apps/v1`; `undefined` if nothing is served there. */
  v3(path: string): OpenApiDocument | undefined;
  /** @param parts What other servers add. */
  v2(parts?: readonly SwaggerPart[]): OpenApiDocument;
  /** Since when the content of that name stands at `path`, as far as this server knows. */
  modifiedMs(path: string, etag: string, nowMs: number): number;
}

/** The documents of one server. What was asked for once is kept until what it tells of changes: at most some 6 MB of v3 text in
 *  all, 2 MB of v2. Nothing is made before it is asked for.
 *  @param issues Whether there is an issuer of tokens that others may ask. */
export function openApiDocuments(
  kinds: Pick<KindRegistry, "served" | "version">,
  { issues }: { readonly issues: boolean },
): OpenApiDocuments {
  const writer = new SwaggerWriter();
  const names = new ContentNames();
  const keptV3 = new Map<string, { readonly etag: string; readonly json: string }>();
  const firstSeen = new Map<string, { readonly etag: string; readonly atMs: number }>();
  let keptV2: { readonly etag: string; json?: string; protobuf?: Uint8Array } = { etag: "" };
  let now:
    | { readonly version: number; readonly catalogue: Catalogue; readonly index: Map<string, string> }
    | undefined;
  const current = () => {
    if (now?.version === kinds.version) return now;
    const catalogue = catalogueOf(kinds.served, issues);
    const index = names.of(catalogue);
    for (const path of keptV3.keys()) if (!index.has(path)) keptV3.delete(path);
    for (const path of firstSeen.keys()) if (path !== "v2" && !index.has(path)) firstSeen.delete(path);
    now = { version: kinds.version, catalogue, index };
    return now;
  };
  return {
    modifiedMs(path, etag, nowMs) {
      const seen = firstSeen.get(path);
      if (seen?.etag === etag) return seen.atMs;
      firstSeen.set(path, { etag, atMs: nowMs });
      return nowMs;
    },
    index: () => current().index,
    v3(path) {
      const { catalogue, index } = current();
      const etag = index.get(path);
      if (etag === undefined) return undefined;
      const json = () => {
        const kept = keptV3.get(path);
        if (kept?.etag === etag) return kept.json;
        const made = openapiV3Document(catalogue, path) ?? "";
        keptV3.set(path, { etag, json: made });
        return made;
      };
      return { etag, json, protobuf: () => encodeV3(objectOf(parseExactJson(json()))) };
    },
    v2(parts = []) {
      const { catalogue, index } = current();
      const etag = digest([...[...index].flat(), ...parts.map(({ hash }) => hash)]);
      if (keptV2.etag !== etag) keptV2 = { etag };
      const kept = keptV2;
      const json = () => {
        kept.json ??= withParts(writer.json(catalogue), parts);
        return kept.json;
      };
      return {
        etag,
        json,
        protobuf() {
          kept.protobuf ??= encodeV2(parseExactJson(json()) as SwaggerDocument);
          return kept.protobuf;
        },
      };
    },
  };
}

function withParts(json: string, parts: readonly SwaggerPart[]): string {
  return parts.length === 0
    ? json
    : exactJsonText(mergeSwagger(parseExactJson(json) as SwaggerDocument, parts));
}

/** Names contents by what they are made of, without making them. */
class ContentNames {
  readonly #ofCustom = new WeakMap<object, string>();

  of({ builtIn, custom }: Catalogue): Map<string, string> {
    const base = [String(formVersion), schema().hash];
    const out = new Map<string, string>();
    for (const [path, served] of builtIn) out.set(path, digest([...base, path, ...served.map(servedName)]));
    for (const [path, served] of custom)
      out.set(path, digest([...base, path, ...served.map((one) => this.#custom(one))]));
    return out;
  }

  #custom(served: CustomServed): string {
    const known =
      this.#ofCustom.get(served.custom) ?? digest([servedName(served), exactJsonText(served.custom)]);
    this.#ofCustom.set(served.custom, known);
    return known;
  }
}

const servedName = ({ group, version, kind }: ServedAs) =>
  `${group}/${version}/${kind.kind}/${kind.plural}/${kind.namespaced}`;

function digest(parts: readonly string[]): string {
  return createHash("sha512").update(JSON.stringify(parts)).digest("hex").toUpperCase();
}
