import { UsageError } from "../../../base/os/flags.ts";
import { loadKubeconfig } from "../../../client/kubeconfig.ts";
import type { RemoteAccess } from "./remote-json.ts";

/** A server elsewhere that is asked or told something, and how we show who we are. */
export interface WebhookAccess {
  readonly url: string;
  readonly access: RemoteAccess;
  /** Beside a certificate. */
  readonly bearerToken: string | undefined;
}

/** What a kubeconfig says of such a server. Throws UsageError. */
export function webhookAccess(path: string): WebhookAccess {
  const rest = loadKubeconfig(path);
  const [url = ""] = rest.servers;
  if (!URL.canParse(url) || new URL(url).protocol !== "https:")
    throw new UsageError(`"${url}" is not an https URL`);
  if (rest.servers.length > 1) throw new UsageError("it names more than one server");
  if (rest.actingAs !== undefined) throw new UsageError("acting as somebody else is not served");
  if (rest.exec !== undefined) throw new UsageError('"exec" is not supported');
  const { caPem, certificatePem, privateKeyPem, serverName, insecureSkipVerify } = rest;
  return {
    url,
    access: { caPem, certificatePem, privateKeyPem, serverName, insecureSkipVerify },
    bearerToken: rest.token,
  };
}
