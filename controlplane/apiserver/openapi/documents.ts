import type { KindRegistry } from "../registry/kind-registry.ts";
import { openapiV2Json, openapiV2Protobuf } from "./openapi-v2.ts";
import { groupVersionPaths, openapiV3Document, openapiV3Index } from "./openapi-v3.ts";

/** The documents of one server. What was asked for once is kept until the kinds change: about 1 MB of v3 text in all, as
 *  much of v2. */
export function openApiDocuments(kinds: Pick<KindRegistry, "served" | "version">): {
  index(): { readonly paths: object };
  /** `path` as `apis/apps/v1`; `undefined` if nothing is served there. */
  document(path: string): string | undefined;
  v2Json(): string;
  v2Protobuf(): Uint8Array;
} {
  let kept = { version: 0, made: new Map<string, string | Uint8Array | object>() };
  const once = <T extends string | Uint8Array | object>(name: string, make: () => T): T => {
    if (kept.version !== kinds.version) kept = { version: kinds.version, made: new Map() };
    const made = (kept.made.get(name) as T | undefined) ?? make();
    kept.made.set(name, made);
    return made;
  };
  return {
    index: () => once("index", () => openapiV3Index(kinds.served)),
    document(path) {
      if (!groupVersionPaths(kinds.served).includes(path)) return undefined;
      return once(path, () => openapiV3Document(kinds.served, path));
    },
    v2Json: () => once("v2 json", () => openapiV2Json(kinds.served)),
    v2Protobuf: () => once("v2 protobuf", () => openapiV2Protobuf(kinds.served)),
  };
}
