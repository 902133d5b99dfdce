import { request } from "node:https";
import { isIP } from "node:net";
import { trusting } from "../../base/os/trust.ts";
import { clusterInfo } from "../../client/rules/joining-nodes.ts";
import { pinnedCertificates } from "../../client/rules/public-key-pin.ts";
import { type ClusterInfo, readClusterInfo, trustedPem } from "./cluster-info.ts";

const answerBytesMax = 1 << 20;
const answerMsMax = 10_000;

/** Why a server is not the one that was asked for, or not one that can be joined: to try again changes nothing. */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
}

export interface Discovered extends ClusterInfo {
  /** By which this machine reaches the server. */
  readonly localAddress: string;
}

/** Asks a server for what the cluster says of itself, and holds it to the pins. Nothing about this machine is sent. Rejects with
 *  DiscoveryError, or with whatever kept the server from answering. */
export async function discover(
  server: string,
  pins: readonly string[],
  signal?: AbortSignal,
): Promise<Discovered> {
  // Nobody is trusted yet; what comes is only looked through for the authority that was pinned.
  const claimed = await ask(server, { rejectUnauthorized: false, signal });
  const caPem = trustedPem(claimed.info.caPem, pins);
  if (caPem === "") {
    const shown = pinnedCertificates(claimed.info.caPem).map(({ pin }) => pin);
    throw new DiscoveryError(
      `the cluster at ${server} has another authority: it shows ${shown.join(", ")}, but ` +
        `--discovery-token-ca-cert-hash says ${pins.join(", ")}. It is another cluster, or somebody stands between. The token was not sent`,
    );
  }
  try {
    const { info, localAddress } = await ask(server, { ...trusting(caPem), signal });
    return { ...info, caPem, localAddress };
  } catch (error) {
    throw untrusted(server, error) ?? error;
  }
}

interface Asked {
  readonly info: ClusterInfo;
  readonly localAddress: string;
}

type AskOptions = Partial<ReturnType<typeof trusting>> & {
  readonly rejectUnauthorized?: false;
  readonly signal: AbortSignal | undefined;
};

function ask(server: string, { signal, ...tls }: AskOptions): Promise<Asked> {
  const { namespace, name } = clusterInfo;
  const url = new URL(`/api/v1/namespaces/${namespace}/configmaps/${name}`, server);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        ...tls,
        agent: false,
        servername: isIP(host) === 0 ? host : "",
        headers: { accept: "application/json", "user-agent": "pintle-agent" },
        timeout: answerMsMax,
        ...(signal && { signal }),
      },
      (answer) => {
        const localAddress = plain(answer.socket.localAddress ?? "");
        const pieces: Buffer[] = [];
        let bytes = 0;
        answer.on("data", (piece: Buffer) => {
          bytes += piece.length;
          if (bytes > answerBytesMax) call.destroy(new DiscoveryError(`${server} answers without end`));
          else pieces.push(piece);
        });
        answer.on("error", reject);
        answer.on("end", () => {
          try {
            resolve({
              info: read(server, answer.statusCode ?? 0, Buffer.concat(pieces).toString()),
              localAddress,
            });
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    const tooLate = setTimeout(
      () => call.destroy(new Error(`${server} did not answer within ${answerMsMax / 1000} s`)),
      answerMsMax,
    );
    call.on("error", reject);
    call.on("close", () => clearTimeout(tooLate));
    call.end();
  });
}

function read(server: string, code: number, text: string): ClusterInfo {
  const what = `configmap ${clusterInfo.namespace}/${clusterInfo.name}`;
  if (code === 401 || code === 403 || code === 404)
    throw new DiscoveryError(
      `${server} shows nobody how to join (${what}: ${code}): it takes no machines by tokens, or has only just started`,
    );
  if (code !== 200) throw new Error(`${server} answered ${code}`);
  try {
    return readClusterInfo((JSON.parse(text) as { readonly data?: unknown }).data);
  } catch (error) {
    throw new DiscoveryError(`${what} of ${server}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Which errors of TLS mean what; undefined for all others. */
function untrusted(server: string, error: unknown): DiscoveryError | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return new DiscoveryError(
      `the certificate of ${server} is not for that name: ${error instanceof Error ? error.message : ""}; ` +
        "use a name or address that it is for, or give the server this one (pintle server --tls-san)",
    );
  const isCertificates = /CERT|SIGNATURE|ISSUER/.test(code);
  return isCertificates
    ? new DiscoveryError(
        `who answers at ${server} shows the right authority but has no certificate of it (${code}): somebody stands between. The token was not sent`,
      )
    : undefined;
}

/** Without IPv6's dress. */
const plain = (address: string) => address.replace(/^::ffff:/, "");
