import type { Log } from "../../../base/os/log.ts";
import type { Os } from "../../../base/os/os.ts";
import type { KindRegistry } from "../registry/kind-registry.ts";
import type { Storage } from "../registry/storage.ts";
import { type EncryptionConfig, EncryptionFile } from "./configuration-file.ts";
import { EncryptedStorage } from "./encrypted-storage.ts";
import { storedResources } from "./stored-resources.ts";

/** The store as the configuration wants it seen, and what goes on beside requests for it. */
export function encryptedAsConfigured(
  config: EncryptionConfig | undefined,
  inner: Storage,
  { kinds, os, log }: { readonly kinds: KindRegistry; readonly os: Os; readonly log: Log },
): { readonly storage: Storage; readonly follow?: (signal: AbortSignal) => Promise<void> } {
  if (config === undefined) return { storage: inner };
  const file = new EncryptionFile(config.path, os.random);
  const storage = new EncryptedStorage(inner, storedResources(kinds), () => file.current);
  if (!config.reloads) return { storage };
  return { storage, follow: (signal) => file.follow({ clock: os.clock, log }, signal) };
}
