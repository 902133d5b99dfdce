import type { ServerResponse } from "node:http";
import { type ListeningEverywhere, listenEverywhere } from "../../base/os/listen-everywhere.ts";

/** /healthz, /livez, /readyz and /metrics over plain HTTP. */
export function serveHealth(
  at: { readonly addresses: readonly string[]; readonly port: number },
  answers: {
    readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
    readonly isReady: () => boolean;
  },
): Promise<ListeningEverywhere> {
  return listenEverywhere(at, "--secure-port", (request, response: ServerResponse) => {
    const answer = (code: number, body: string, type = "text/plain; charset=utf-8") =>
      response.writeHead(code, { "content-type": type }).end(body);
    switch (request.url?.split("?")[0]) {
      case "/healthz":
      case "/livez":
        answer(200, "ok");
        break;
      case "/readyz":
        if (answers.isReady()) answer(200, "ok");
        else answer(503, "informers have not synced");
        break;
      case "/metrics":
        answers.metrics().then(
          ({ text, contentType }) => answer(200, text, contentType),
          (error: unknown) => answer(500, String(error)),
        );
        break;
      default:
        answer(404, "not found");
    }
  });
}
