import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Clock } from "../../../base/os/clock.ts";
import { type JsonObject, objectOf } from "../json.ts";
import { bodyText } from "../reach/body-text.ts";
import { type RemoteClient, userHeaders } from "./remote-client.ts";
import type { RemoteVersion } from "./service-table.ts";

/** Asks a remote server for a document, within bounds of time and size. */

const probeTimeoutMs = 5_000;
const answerBytesMax = 16 * 1024 * 1024;

/** As the aggregator itself, who may see everything. */
const asker = { name: "system:kube-aggregator", groups: ["system:masters"] };

export interface ProbeDeps {
  readonly client: RemoteClient;
  readonly clock: Clock;
}

export function versionPath({ group, version }: RemoteVersion): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}

export interface Asked {
  readonly path: string;
  readonly accept: string;
  /** The name of the content that is at hand. */
  readonly known?: string;
}

export interface Answered {
  readonly code: number;
  readonly body: string;
  readonly type: string;
  readonly etag: string;
  readonly headers: IncomingHttpHeaders;
}

/** Fails with what stood in the way. */
export async function ask(
  remote: RemoteVersion,
  { path, accept, known = "" }: Asked,
  { client, clock }: ProbeDeps,
  signal: AbortSignal,
): Promise<Answered> {
  const limit = new AbortController();
  const cancel = clock.after(probeTimeoutMs, () => limit.abort(new Error("context deadline exceeded")));
  const onAbort = () => limit.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const host = `${remote.service.name}.${remote.service.namespace}.svc`;
    const request = client.request(remote, {
      method: "GET",
      path,
      headers: [
        ...["Host", host, "Accept", accept],
        ...(known === "" ? [] : ["If-None-Match", known]),
        ...userHeaders(asker),
      ],
      signal: limit.signal,
    });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve).once("error", reject);
      request.end();
    });
    const body = await bodyText(answer, answerBytesMax);
    const { headers } = answer;
    const { "content-type": type = "", etag = "" } = headers;
    return { code: answer.statusCode ?? 0, body, type, etag, headers };
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

export function jsonObject(text: string): JsonObject {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return {}; // it says nothing that we understand
  }
}
