import { apiserverConfig, apiserverFlags } from "../controlplane/apiserver/flags.ts";
import { startApiserver } from "../controlplane/apiserver/start.ts";
import { componentCommand } from "./run-component.ts";

export const apiserverCommand = componentCommand({
  name: "apiserver",
  summary: "serve the Kubernetes API over an etcd v3 store; several may run",
  flags: apiserverFlags,
  examples: [
    "pintle apiserver --etcd-servers http://127.0.0.1:2379 --client-ca-file ca.pem --tls-cert-file api.pem --tls-private-key-file api-key.pem",
  ],
  start: async (flags, os) => startApiserver(apiserverConfig(flags), os),
});
