import { join } from "node:path";
import { frontProxyName } from "./front-proxy-name.ts";
import type { Layout } from "./layout.ts";

/** Which of a layout's files each part is told of (`credentials.ts` makes them). Pure. */
export function storePkiFlags(layout: Layout): readonly string[] {
  const files = {
    "cert-file": "store-server",
    "key-file": "store-server-key",
    "trusted-ca-file": "store-ca",
  };
  return Object.entries(files).flatMap(([flag, name]) => {
    const path = join(layout.pki, `${name}.pem`);
    return [`--${flag}=${path}`, `--peer-${flag}=${path}`];
  });
}

export function apiserverPkiFlags(layout: Layout): readonly string[] {
  const pki = (file: string) => join(layout.pki, file);
  return [
    `--tls-cert-file=${pki("apiserver.pem")}`,
    `--tls-private-key-file=${pki("apiserver-key.pem")}`,
    `--client-ca-file=${pki("ca.pem")}`,
    `--etcd-cafile=${pki("store-ca.pem")}`,
    `--etcd-certfile=${pki("store-client.pem")}`,
    `--etcd-keyfile=${pki("store-client-key.pem")}`,
    `--kubelet-certificate-authority=${pki("ca.pem")}`,
    `--kubelet-client-certificate=${pki("kubelet-client.pem")}`,
    `--kubelet-client-key=${pki("kubelet-client-key.pem")}`,
    // As tokens are known by inside the cluster.
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${pki("service-accounts.pem")}`,
    `--service-account-signing-key-file=${pki("service-accounts-key.pem")}`,
    // Extension servers know by these that it is an API server that tells them who asks.
    `--proxy-client-cert-file=${pki("front-proxy-client.pem")}`,
    `--proxy-client-key-file=${pki("front-proxy-client-key.pem")}`,
    `--requestheader-client-ca-file=${pki("front-proxy-ca.pem")}`,
    `--requestheader-allowed-names=${frontProxyName}`,
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-uid-headers=X-Remote-Uid",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    `--encryption-provider-config=${pki("encryption.yaml")}`,
    "--encryption-provider-config-automatic-reload=true",
  ];
}

export function controllerManagerPkiFlags(layout: Layout): readonly string[] {
  return [
    `--root-ca-file=${join(layout.pki, "ca.pem")}`,
    `--service-account-private-key-file=${join(layout.pki, "service-accounts-key.pem")}`,
    `--cluster-signing-cert-file=${join(layout.pki, "ca.pem")}`,
    `--cluster-signing-key-file=${join(layout.pki, "ca-key.pem")}`,
  ];
}
