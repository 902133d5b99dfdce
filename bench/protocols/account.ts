import { request } from "node:https";
import type { ApiAccess } from "../api/peers.ts";

/** A service account that may do everything: its token. */
export async function allowedAccount(access: ApiAccess): Promise<string> {
  const accounts = "/api/v1/namespaces/default/serviceaccounts";
  await post(access, accounts, { metadata: { name: "bench" } });
  await post(access, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    metadata: { name: "bench" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", namespace: "default", name: "bench" }],
  });
  const made = (await post(access, `${accounts}/bench/token`, { spec: { expirationSeconds: 7200 } })) as {
    readonly status: { readonly token: string };
  };
  return made.status.token;
}

/** The path of an object that is made for this. */
export async function someObject(access: ApiAccess): Promise<string> {
  const configMaps = "/api/v1/namespaces/default/configmaps";
  await post(access, configMaps, { metadata: { name: "bench" }, data: { a: "x".repeat(1000) } });
  return `${configMaps}/bench`;
}

/** POSTs JSON as somebody who may do everything. Rejects where it is not created. */
function post(
  { port, caPem: ca, certificatePem: cert, keyPem: key }: ApiAccess,
  path: string,
  body: object,
): Promise<unknown> {
  const headers = { "Content-Type": "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, path, method: "POST", ca, cert, key, headers },
      async (answer) => {
        let text = "";
        for await (const chunk of answer) text += chunk;
        if (answer.statusCode === 201) resolve(JSON.parse(text));
        else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
      },
    );
    asked.once("error", reject);
    asked.end(JSON.stringify(body));
  });
}
