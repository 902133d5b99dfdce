// One replica of the operator. Run two or more: all answer webhooks, one of them – the leader – reconciles.
//   node main.ts --cert-file tls.crt --key-file tls.key [--identity NAME] [--port 9443] [--lease-seconds 15]
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { CoordinationV1Api, KubeConfig } from "@kubernetes/client-node";
import { startInformers } from "./informers.ts";
import { lead } from "./leader-election.ts";
import { Reconciler } from "./reconciler.ts";
import { startWebhooks } from "./webhook-server.ts";
import { operatorNamespace } from "./website.ts";
import { WorkQueue } from "./work-queue.ts";

const { values: flags } = parseArgs({
  options: {
    "cert-file": { type: "string", default: "tls.crt" },
    "key-file": { type: "string", default: "tls.key" },
    identity: { type: "string", default: `${hostname()}-${process.pid}` },
    host: { type: "string", default: "0.0.0.0" },
    port: { type: "string", default: "9443" },
    "lease-seconds": { type: "string", default: "15" },
  },
});

const config = new KubeConfig();
config.loadFromDefault(); // $KUBECONFIG, ~/.kube/config, or the pod's own account
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());

const queue = new WorkQueue();
const caches = await startInformers(config, (key) => queue.add(key), stopping.signal);
const webhooks = await startWebhooks(
  {
    cert: readFileSync(flags["cert-file"], "utf8"),
    key: readFileSync(flags["key-file"], "utf8"),
    host: flags.host,
    port: Number(flags.port),
  },
  () => caches.websites.list(),
);
console.log(`${flags.identity} answers webhooks on port ${(webhooks.address() as AddressInfo).port}`);

const reconciler = new Reconciler(config, flags.identity, caches);
await lead(
  {
    client: config.makeApiClient(CoordinationV1Api),
    namespace: operatorNamespace,
    name: "website-operator",
    identity: flags.identity,
    leaseSeconds: Number(flags["lease-seconds"]),
  },
  (signal) => queue.run((key) => reconciler.reconcile(key), signal),
  stopping.signal,
);
webhooks.close();
webhooks.closeAllConnections();
