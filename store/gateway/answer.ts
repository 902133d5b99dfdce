/** A whole answer to an HTTP request. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export const json = (status: number, value: unknown): Answer => ({
  status,
  contentType: "application/json",
  body: JSON.stringify(value),
});

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
