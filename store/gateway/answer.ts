/** A whole answer to an HTTP request. */
export interface Answer {
  readonly status: number;
  /** Absent where there is no body. */
  readonly contentType?: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export const json = (status: number, value: unknown): Answer => ({
  status,
  contentType: "application/json",
  body: JSON.stringify(value),
});

/** As Go's router tells where a folder is whose last slash is missing. */
export function movedTo(location: string, method: string | undefined): Answer {
  const headers = { location };
  if (method !== "GET" && method !== "HEAD") return { status: 307, headers, body: "" };
  const shown = location.replaceAll("&", "&amp;");
  const body = `<a href="${shown}">Temporary Redirect</a>.\n\n`;
  return { status: 307, contentType: "text/html; charset=utf-8", headers, body };
}

const textType = "text/plain; charset=utf-8";

export const plain = (status: number, body: string): Answer => ({ status, contentType: textType, body });

/** As Go's `http.Error` writes it: a line of its own, not to be taken for anything else. */
export const failure = (status: number, text: string, headers: Answer["headers"] = {}): Answer => ({
  status,
  contentType: textType,
  headers: { "x-content-type-options": "nosniff", ...headers },
  body: `${text}\n`,
});

export const notFound = failure(404, "404 page not found");

export const wrongMethod = (allowed: string): Answer =>
  failure(405, "Method Not Allowed", { allow: allowed });
