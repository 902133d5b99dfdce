import { X509Certificate } from "node:crypto";
import { certificatePem } from "../../../base/pem.ts";
import { certificateBlocks } from "../authentication/shown-certificate.ts";

/** The certificates of all bundles, each once and those left out that have run out, as Go writes them. Bundles that cannot be
 *  read count for nothing. Pure. */
export function certificateBundle(bundles: readonly string[], nowMs: number): string {
  const blocks = bundles
    .flatMap(readable)
    .filter(({ validTo }) => Date.parse(validTo) > nowMs)
    .map(({ raw }) => certificatePem(raw));
  return [...new Set(blocks)].join("");
}

function readable(pem: string): readonly X509Certificate[] {
  try {
    return certificateBlocks(pem).map((block) => new X509Certificate(block));
  } catch {
    return []; // whoever wrote it meant something else
  }
}
