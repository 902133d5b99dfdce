import type { KindRegistry } from "../registry/kind-registry.ts";
import { kindPrefix } from "../registry/stored-object.ts";
import type { ResourceOfKey } from "./encrypted-storage.ts";

/** Tells by its key of which resource a stored object is, among the kinds of the moment. */
export function storedResources(kinds: KindRegistry): ResourceOfKey {
  let version = -1;
  let byPrefix: ReadonlyMap<string, string> = new Map();
  return (key) => {
    if (kinds.version !== version) {
      version = kinds.version;
      byPrefix = new Map(
        kinds.kinds.map((kind) => [
          kindPrefix(kind),
          kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`,
        ]),
      );
    }
    // `/registry/secrets/…`, `/registry/services/specs/…`
    for (let at = key.indexOf("/", 10); at >= 0; at = key.indexOf("/", at + 1)) {
      const resource = byPrefix.get(key.slice(0, at + 1));
      if (resource !== undefined) return resource;
    }
    return undefined;
  };
}
