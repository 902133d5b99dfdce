const brokenEscape = /%(?![0-9a-f]{2})/i;

/** A query as Go reads it: a part with a semicolon in it, or with a percent sign that escapes nothing, is none. Pure. */
export function goQuery(text: string): URLSearchParams {
  const isRead = (part: string) => !part.includes(";") && !brokenEscape.test(part);
  const read = isRead(text) ? text : text.split("&").filter(isRead).join("&");
  // One question mark in front is not taken for a part of it.
  return new URLSearchParams(`?${read}`);
}
