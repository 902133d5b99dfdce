import type { HttpResponse } from "../../base/http2/http-response.ts";

/** Answers that no backend gave. */
const texts: Readonly<Record<number, string>> = {
  400: "the request is malformed",
  403: "clients of this address are not let in",
  404: "no route leads here",
  405: "the method is not served",
  408: "the request took too long",
  413: "the request is too large",
  421: "the connection is not for this host",
  431: "the request's headers are too large",
  500: "the route leads to no backend",
  501: "the request asks for what is not known here",
  502: "the backend did not answer as it should",
  503: "nothing is there to answer",
  504: "the backend did not answer in time",
};

export function answerSelf(
  response: HttpResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    // A broken answer must not look like a whole one.
    response.destroy();
    return;
  }
  const text = status >= 400 ? `${status} ${texts[status] ?? "error"}\n` : "";
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (status === 204) {
    response.writeHead(status);
    response.end();
    return;
  }
  response.writeHead(status, {
    ...(text !== "" && { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" }),
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** What is left to say to a client that speaks no HTTP. */
export const lastWords = (status: number): string => {
  const text = `${status} ${texts[status] ?? "error"}\n`;
  return `HTTP/1.1 ${status} ${status === 431 ? "Request Header Fields Too Large" : status === 408 ? "Request Timeout" : "Bad Request"}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
};
