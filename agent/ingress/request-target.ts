/** What a request is for. Paths are compared as the bytes they stand for, one character a byte, without `.`, `..` and empty
 *  segments, as whoever serves the request may read them; what is sent on is what came. Pure. */

export interface RequestTarget {
  /** As it came, without the query. */
  readonly rawPath: string;
  /** As it is compared. */
  readonly path: string;
  /** With its question mark, or "". */
  readonly query: string;
}

/** Undefined for what is no path, or would be read differently by different readers. */
export function requestTarget(text: string): RequestTarget | undefined {
  if (!text.startsWith("/") || /[^\x21-\x7e\x80-\xff]|#/.test(text)) return undefined;
  const mark = text.indexOf("?");
  const rawPath = mark < 0 ? text : text.slice(0, mark);
  const path = comparedPath(rawPath);
  return path === undefined ? undefined : { rawPath, path, query: mark < 0 ? "" : text.slice(mark) };
}

/** The path as it is compared; undefined where an escape is none, or stands for a NUL. */
export function comparedPath(rawPath: string): string | undefined {
  const bytes = rawPath.includes("%") ? decoded(rawPath) : rawPath;
  if (bytes === undefined) return undefined;
  return /\/\/|\/\.|\\/.test(bytes) ? withoutDots(bytes) : bytes;
}

/** The path of a specification, which is text, as requests' paths are compared. */
export function specifiedPath(text: string): string {
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  return comparedPath(bytes) ?? bytes;
}

function decoded(path: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})|%00/.test(path)) return undefined;
  return path.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** RFC 3986's removal of dot segments. A backslash is a slash to some servers. */
function withoutDots(path: string): string {
  const segments = path.split(/[/\\]+/);
  const kept: string[] = [];
  for (const segment of segments.slice(1))
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  const last = segments.at(-1);
  if (last === "." || last === "..") kept.push("");
  return `/${kept.join("/")}`;
}

/** Writes a compared path as a request's: bytes that may not stand in one are escaped. */
export function encodedPath(path: string): string {
  return path.replace(
    /[^-A-Za-z0-9._~!$&'()*+,;=:@/]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
