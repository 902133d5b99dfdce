import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UsageError } from "../../base/os/flags.ts";
import type { MetricsRegistry } from "../../base/os/metrics.ts";

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface HealthAnswers {
  readonly metrics: MetricsRegistry;
  readonly problem: () => string | undefined;
  /** Answers /metrics/state. */
  readonly state: (response: ServerResponse) => Promise<void>;
}

/** Serves /healthz, /livez, /readyz, /metrics and /metrics/state over plain HTTP. Rejects with UsageError when the port is
 *  taken. */
export async function serveHealth(
  at: { readonly address: string; readonly port: number },
  { metrics, problem, state }: HealthAnswers,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (path === "/metrics") {
      metrics.text().then(
        (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    } else if (path === "/metrics/state") {
      state(response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    } else if (path === "/healthz" || path === "/livez" || path === "/readyz") {
      const why = problem();
      response.writeHead(why === undefined ? 200 : 503, { "content-type": "text/plain" }).end(why ?? "ok");
    } else response.writeHead(404).end("not found\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new UsageError(
          `--secure-port: cannot listen on ${at.address}:${at.port}: ${error.code ?? error.message}`,
        ),
      ),
    );
    server.listen(at.port, at.address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
