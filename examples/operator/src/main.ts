import { once } from "node:events";
import type { Server } from "node:net";
import { parseArgs } from "node:util";
import { connectCluster, Metrics, startControllers } from "pintle/client";
import { previewController } from "./controller.ts";
import { statusServer } from "./status-server.ts";
import { webhookServer } from "./webhooks.ts";

const { values: flags } = parseArgs({
  options: {
    "certificate-dir": { type: "string", default: "/var/run/webhook-certificate" },
    "lease-namespace": { type: "string", default: "preview-system" },
    // All of the machine's addresses unless it is given.
    host: { type: "string" },
    "webhook-port": { type: "string", default: "9443" },
    "status-port": { type: "string", default: "8080" },
  },
});

const metrics = new Metrics();
const api = connectCluster({ userAgent: "preview-operator", metrics });
const operator = startControllers(api, [previewController(metrics)], {
  metrics,
  leaderElection: { name: "preview-operator", namespace: flags["lease-namespace"] },
});
let isReady = false;
const webhooks = webhookServer(flags["certificate-dir"], api);
const status = statusServer(metrics, () => isReady);

const stop = () => {
  if (!isReady) process.exit();
  isReady = false;
  operator.stop();
};
process.on("SIGTERM", stop).on("SIGINT", stop);

await listen(status, flags["status-port"]);
await listen(webhooks, flags["webhook-port"]);
await operator.synced();
isReady = true;
console.log("ready");

try {
  // Until a signal, or until a part of it breaks.
  await operator.untilStopped();
} finally {
  // Requests of webhooks come until no Service leads here any more.
  await Promise.all([webhooks, status].map((server) => server.close() && once(server, "close")));
  api.close();
}

async function listen(server: Server, port: string): Promise<void> {
  server.listen(Number(port), flags.host);
  await once(server, "listening");
}
