/** The answering half of a node's Ingresses, alone in a process. Says its ports once it answers; ends with its standard input. */
import { planIngress } from "../../agent/ingress/ingress-routes.ts";
import { LocalServing } from "../../agent/ingress/serving.ts";
import { systemClock } from "../../base/os/clock.ts";
import { createLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import type { Ingress } from "../../client/types.ts";

const { backend, certificatePem, keyPem } = JSON.parse(process.argv[2] ?? "{}");
const pem = { certificatePem, keyPem };
const log = createLog({ format: "text" });
const serving = new LocalServing({ fallback: pem, clock: systemClock, random: systemRandom, log });
const ingress = {
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name: "bench", namespace: "ns" },
  spec: {
    rules: [
      {
        host: "bench.test",
        http: {
          paths: [
            { path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
} as Ingress;
serving.apply({
  kind: "endpoints",
  backend: "ns/web:80",
  endpoints: [{ address: "127.0.0.1", port: backend }],
});
serving.apply({ kind: "routes", owner: "ns/bench", hosts: planIngress(ingress).hosts });
const opened = await serving.open({ address: "127.0.0.1", http: 0, https: 0 });
process.stdout.write(`${JSON.stringify(opened)}\n`);
process.stdin.on("end", () => void serving.stop().finally(() => process.exit(0)));
process.stdin.resume();
