import { filledText, type OptionKind, positiveNumber, withMethods } from "../../../base/options.ts";
import { codecKind } from "./codec.ts";
import { keyBytes } from "./places.ts";

/** One, or a list of them. */
export const addresses: OptionKind = {
  fits: (value) => (Array.isArray(value) ? value : [value]).every((one) => filledText.fits(one)),
  must: "an address, or a list of them",
};

export const listed = (urls: string | readonly string[] | undefined): readonly string[] =>
  urls === undefined ? [] : typeof urls === "string" ? [urls] : urls;

/** What `openStore` and `connect` both take. */
export const openKinds = {
  codec: codecKind,
  namespace: { fits: isKeyOrEmpty, must: "a string or a Uint8Array" },
  timeoutMs: positiveNumber,
  clock: withMethods("a clock", "monotonicMs", "wallMs", "after"),
  seed: { fits: Number.isSafeInteger, must: "a whole number" },
} as const satisfies Readonly<Record<string, OptionKind>>;

function isKeyOrEmpty(value: unknown): boolean {
  try {
    keyBytes(value as string);
    return true;
  } catch {
    return false;
  }
}
