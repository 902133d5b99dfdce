/** When a certificate is to be renewed, since 1970: after seven to nine tenths of its life, so that nodes that came together do not
 *  ask together. Its life begins when it was received: what signers date back is no part of it. Pure.
 *  @param share From 0 to 1, by chance. */
export function renewalMs(
  { notBeforeMs, notAfterMs, savedMs }: Readonly<Record<"notBeforeMs" | "notAfterMs" | "savedMs", number>>,
  share: number,
): number {
  const beginMs = savedMs > notBeforeMs && savedMs < notAfterMs ? savedMs : notBeforeMs;
  return beginMs + (notAfterMs - beginMs) * (0.7 + 0.2 * share);
}
