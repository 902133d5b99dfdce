import { createServer, type Server } from "node:http";
import { UsageError } from "../../base/os/flags.ts";

/** /healthz, /livez, /readyz and /metrics over plain HTTP. The returned function stops it. */
export async function serveHealth(
  at: { readonly address: string; readonly port: number },
  answers: {
    readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
    readonly isReady: () => boolean;
  },
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
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
  await listen(server, at);
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : at.port;
  return { port, stop: () => close(server) };
}

function listen(server: Server, at: { readonly address: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const inUse = "code" in error && error.code === "EADDRINUSE";
      const why = inUse
        ? "is in use: choose another port, or 0 for none"
        : `cannot be listened on: ${error.message}`;
      reject(new UsageError(`--secure-port: ${at.address}:${at.port} ${why}`));
    });
    server.listen(at.port, at.address, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
