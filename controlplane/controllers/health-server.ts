import type { ServerResponse } from "node:http";
import { type ListeningEverywhere, listenEverywhere } from "../../base/os/listen-everywhere.ts";
import type { MetricsRegistry } from "../../base/os/metrics.ts";

export interface HealthAnswers {
  readonly metrics: MetricsRegistry;
  readonly problem: () => string | undefined;
  /** Answers /metrics/state. */
  readonly state: (response: ServerResponse) => Promise<void>;
}

/** Serves /healthz, /livez, /readyz, /metrics and /metrics/state over plain HTTP. Rejects with UsageError when the port is
 *  taken. */
export function serveHealth(
  at: { readonly addresses: readonly string[]; readonly port: number },
  { metrics, problem, state }: HealthAnswers,
): Promise<ListeningEverywhere> {
  return listenEverywhere(at, "--secure-port", (request, response) => {
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
}
