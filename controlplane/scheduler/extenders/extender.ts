import { readFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

export interface ManagedResource {
  readonly name: string;
  /** NodeResourcesFit does not look at it. */
  readonly ignoredByScheduler?: boolean;
}

/** An extender as the configuration file has it. */
export interface ExtenderSpec {
  readonly urlPrefix: string;
  readonly filterVerb?: string;
  readonly preemptVerb?: string;
  readonly prioritizeVerb?: string;
  readonly weight?: number;
  readonly bindVerb?: string;
  readonly enableHTTPS?: boolean;
  readonly tlsConfig?: {
    readonly insecure?: boolean;
    readonly serverName?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly caFile?: string;
    readonly certData?: string;
    readonly keyData?: string;
    readonly caData?: string;
  };
  readonly httpTimeoutMs?: number;
  /** It knows the nodes by itself: names are enough. */
  readonly nodeCacheCapable?: boolean;
  /** It is asked only about pods that want one of these. */
  readonly managedResources?: readonly ManagedResource[];
  /** Where it fails, scheduling goes on without it. */
  readonly ignorable?: boolean;
}

const defaultTimeoutMs = 5_000;
/** Answers longer than this are cut off with an error. */
const answerBytesMost = 64 * 1024 * 1024;

/** Asks one extender. */
export class Extender {
  readonly spec: ExtenderSpec;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(spec: ExtenderSpec) {
    this.spec = spec;
    this.#agent = isTls(spec)
      ? new HttpsAgent({ keepAlive: true, ...tlsOf(spec) })
      : new HttpAgent({ keepAlive: true });
  }

  /** POSTs to a verb; rejects where the answer is not 200 or not JSON. */
  send(verb: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const { urlPrefix, httpTimeoutMs = defaultTimeoutMs } = this.spec;
    const url = new URL(`${urlPrefix.replace(/\/+$/, "")}/${verb}`);
    const request = url.protocol === "https:" ? httpsRequest : httpRequest;
    const ends = AbortSignal.any([signal, AbortSignal.timeout(httpTimeoutMs)]);
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
      const sent = request(url, { method: "POST", agent: this.#agent, headers, signal: ends }, (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > answerBytesMost)
            sent.destroy(new Error(`the answer is longer than ${answerBytesMost} bytes`));
          chunks.push(chunk);
        });
        answer.on("error", reject);
        answer.on("end", () => {
          if (answer.statusCode !== 200)
            return reject(new Error(`failed ${verb} with extender at URL ${url}, code ${answer.statusCode}`));
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()));
          } catch (error) {
            reject(new Error(`extender at URL ${url} did not answer JSON`, { cause: error }));
          }
        });
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

const isTls = ({ urlPrefix }: ExtenderSpec): boolean => urlPrefix.startsWith("https:");

function tlsOf({ tlsConfig: tls }: ExtenderSpec) {
  if (tls === undefined) return {};
  const material = (data: string | undefined, file: string | undefined) =>
    data ? Buffer.from(data, "base64") : file ? readFileSync(file) : undefined;
  const ca = material(tls.caData, tls.caFile);
  const cert = material(tls.certData, tls.certFile);
  const key = material(tls.keyData, tls.keyFile);
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(tls.serverName && { servername: tls.serverName }),
    ...(tls.insecure && { rejectUnauthorized: false }),
  };
}
