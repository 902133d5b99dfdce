import { request } from "node:https";
import { type ApiAccess, kubeApiserver, startApiSide } from "../../bench/api/peers.ts";
import { issuingConfig, newSigningKey } from "../../controlplane/apiserver/authentication/testing.ts";
import { tokenClient } from "../../controlplane/apiserver/recorded-answers.ts";
import { startTestApiserver, type TestClient } from "../../controlplane/apiserver/testing.ts";
import { heardClient } from "./heard-client.ts";

export interface Side {
  readonly client: Pick<TestClient, "call">;
  /** Has no certificate and no token. */
  readonly stranger: Pick<TestClient, "call">;
  stop(): Promise<void>;
}

/** Says why there is no reference; undefined: there is one. */
export function whyNoReference(): string | undefined {
  if (process.env.REFERENCE_URL !== undefined || kubeApiserver() !== undefined) return undefined;
  return "no kube-apiserver: PINTLE_KUBE_APISERVER names its binary, or REFERENCE_URL and REFERENCE_TOKEN one that runs";
}

export async function startReference(): Promise<Side> {
  const { REFERENCE_URL: url, REFERENCE_TOKEN: token = "" } = process.env;
  if (url !== undefined)
    return {
      client: heardClient(tokenClient(url, token)),
      stranger: tokenClient(url, ""),
      stop: async () => {},
    };
  const side = await startApiSide("kubernetes", {
    kubernetesFlags: ["--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction"],
  });
  const stranger = tokenClient(`https://127.0.0.1:${side.access.port}`, "");
  return { client: heardClient(certificateClient(side.access)), stranger, stop: () => side.stop() };
}

/** That of the reference (bench/api/peers.ts). */
const referenceIssuer = "https://bench";

export async function startOurs(): Promise<Side> {
  const authentication = issuingConfig(newSigningKey().pem, { issuing: { issuer: referenceIssuer } });
  const config = { authentication, disabledAdmission: ["ServiceAccount"] };
  const server = await startTestApiserver({ config });
  return { client: heardClient(server.admin), stranger: server.stranger, stop: () => server.stop() };
}

function certificateClient({
  port,
  caPem: ca,
  certificatePem: cert,
  keyPem: key,
}: ApiAccess): Side["client"] {
  return tokenClient(`https://127.0.0.1:${port}`, "", (url, options) =>
    request(url, { ...options, ca, cert, key }),
  );
}
