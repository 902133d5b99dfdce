import type { ValueCipher } from "./ciphers.ts";

/** One entry of a resource's providers. */
export type Provider =
  /** Keys of one sort; the first one writes. */
  | {
      readonly kind: "cipher";
      readonly prefix: string;
      readonly keys: readonly ValueCipher[];
      readonly noKey: string;
    }
  /** As it is. */
  | { readonly kind: "identity" };

export interface Opened {
  readonly value: Uint8Array;
  /** It would be written otherwise now. */
  readonly stale: boolean;
}

/** Makes of values what is stored of them, and back. Pure but for the nonces. */
export interface Transformer {
  seal(value: Uint8Array, place: string): Uint8Array;
  /** Throws where no provider can read it. */
  open(stored: Uint8Array, place: string): Opened;
}

const encryptedPrefix = "k8s:enc:";

/** What nobody configured is stored as it is; what was encrypted by a configuration that is gone cannot be read. */
export const plainValues: Transformer = {
  seal: (value) => value,
  open(stored) {
    if (startsWith(stored, encryptedPrefix))
      throw new Error("identity transformer tried to read encrypted data");
    return { value: stored, stale: false };
  },
};

/** The first provider writes; whichever can reads. */
export function transformer(providers: readonly Provider[]): Transformer {
  return {
    seal(value, place) {
      const [first] = providers;
      const key = first?.kind === "cipher" ? first.keys[0] : undefined;
      if (key === undefined) return value;
      return Buffer.concat([Buffer.from(key.prefix), key.seal(value, place)]);
    },
    open(stored, place) {
      const failures: string[] = [];
      for (const [index, provider] of providers.entries()) {
        if (provider.kind === "identity") {
          if (!startsWith(stored, encryptedPrefix)) return { value: stored, stale: index > 0 };
          continue;
        }
        if (!startsWith(stored, provider.prefix)) continue;
        const opened = openWith(provider.keys, { stored, place, noKey: provider.noKey });
        if (typeof opened !== "string") return { ...opened, stale: opened.stale || index > 0 };
        failures.push(opened);
      }
      throw new Error(together(failures) ?? "no matching prefix found");
    },
  };
}

/** What a key made of it, or why none did. */
function openWith(
  keys: readonly ValueCipher[],
  { stored, place, noKey }: { readonly stored: Uint8Array; readonly place: string; readonly noKey: string },
): Opened | string {
  const failures: string[] = [];
  for (const [index, key] of keys.entries()) {
    if (!startsWith(stored, key.prefix)) continue;
    try {
      return { value: key.open(stored.subarray(key.prefix.length), place), stale: index > 0 };
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return together(failures) ?? noKey;
}

function together(failures: readonly string[]): string | undefined {
  const all = [...new Set(failures)];
  return all.length > 1 ? `[${all.join(", ")}]` : all[0];
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false;
  for (let at = 0; at < text.length; at++) if (bytes[at] !== text.charCodeAt(at)) return false;
  return true;
}
