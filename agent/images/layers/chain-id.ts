import { createHash } from "node:crypto";
import { ImageError } from "../image.ts";

/** What each layer is together with those below it (image-spec config.md, "Layer ChainID"): from digests of what the layers hold,
 *  the lowest first. */
export function chainIds(contents: readonly string[]): readonly string[] {
  const chain: string[] = [];
  for (const content of contents) {
    if (!isSha256(content)) throw new ImageError(`"${content}" is not a sha256 digest`);
    const below = chain.at(-1);
    chain.push(
      below === undefined
        ? content
        : `sha256:${createHash("sha256").update(`${below} ${content}`).digest("hex")}`,
    );
  }
  return chain;
}

export const isSha256 = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);
