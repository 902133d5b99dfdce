import { createServer, type Server } from "node:http";
import type { Metrics } from "pintle/client";

/** Answers the kubelet's probes and Prometheus. */
export function statusServer(metrics: Metrics, isReady: () => boolean): Server {
  return createServer(async ({ url }, response) => {
    if (url === "/healthz") response.end("ok\n");
    else if (url === "/readyz")
      response.writeHead(isReady() ? 200 : 503).end(isReady() ? "ok\n" : "not ready\n");
    else if (url === "/metrics")
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(await metrics.text());
    else response.writeHead(404).end();
  });
}
