import type { KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import type { RequestHeaderConfig } from "../authentication/request-header.ts";
import { type JsonObject, toKubeObject } from "../json.ts";
import { createObject } from "../registry/create-object.ts";
import { sameJson } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { updateObject } from "../registry/update-object.ts";

/** By what other API servers know users and their front proxy: the ConfigMap kube-system/extension-apiserver-authentication. */

const place = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/** Pure. */
export function authenticationData(
  clientAuthorityPem: string,
  proxy: RequestHeaderConfig | undefined,
): Readonly<Record<string, string>> {
  const list = (names: readonly string[]) => JSON.stringify(names);
  const title = (name: string) => name.replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase());
  return {
    "client-ca-file": clientAuthorityPem,
    ...(proxy !== undefined && {
      "requestheader-allowed-names": list(proxy.allowedNames),
      "requestheader-client-ca-file": proxy.authorityPem,
      "requestheader-extra-headers-prefix": list(proxy.extraPrefixes.map(title)),
      "requestheader-group-headers": list(proxy.groupHeaders.map(title)),
      "requestheader-uid-headers": list(proxy.uidHeaders.map(title)),
      "requestheader-username-headers": list(proxy.usernameHeaders.map(title)),
    }),
  };
}

/** The ConfigMap says what this server was started with. */
export async function keepAuthenticationConfig(
  deps: RegistryDeps,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const kind = deps.kinds.named("", "configmaps")?.kind;
  if (kind === undefined) return;
  const object: JsonObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...place },
    data: { ...data },
  };
  try {
    await createObject(deps, kind, toKubeObject(object), { dryRun: false, by: serverRequester });
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
    const change = (current: KubeObject): KubeObject => {
      const next = { ...(current.data as object | undefined), ...data };
      return sameJson(next, current.data) ? current : { ...current, data: next };
    };
    await updateObject(deps, kind, place, change, { dryRun: false, via: "server", by: serverRequester });
  }
}
