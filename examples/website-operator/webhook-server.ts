import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import { defaultingPatch, refusal } from "./admission.ts";
import { convert, type VersionedWebsite } from "./convert.ts";
import type { Website } from "./website.ts";
import { messageOf } from "./work-queue.ts";

/** What the API server asks: /convert, /mutate and /validate. Every replica answers, the leader or not. */
export async function startWebhooks(
  options: { readonly cert: string; readonly key: string; readonly host: string; readonly port: number },
  websites: () => readonly Website[],
): Promise<Server> {
  const answers: Readonly<Record<string, (review: Review) => Review>> = {
    "/convert": (review) => ({ ...review, response: converted(review.request) }),
    "/mutate": (review) => ({ ...review, response: defaulted(review.request) }),
    "/validate": (review) => ({ ...review, response: validated(review.request, websites()) }),
  };
  const server = createServer({ cert: options.cert, key: options.key }, async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "https://webhooks");
    const answer = answers[pathname];
    if (answer === undefined) return void response.writeHead(404).end();
    try {
      const { request: _, ...reviewed } = answer(JSON.parse(await bodyOf(request)));
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reviewed));
    } catch (error) {
      response.writeHead(400, { "content-type": "text/plain" }).end(messageOf(error));
    }
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  return server;
}

/** AdmissionReview or ConversionReview: the answer is the question's own kind, with a response. */
interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: ReviewRequest;
  readonly response?: object;
}
interface ReviewRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly object: Website;
  readonly desiredAPIVersion: string;
  readonly objects: readonly VersionedWebsite[];
}

function converted({ uid, objects, desiredAPIVersion }: ReviewRequest): object {
  try {
    const convertedObjects = objects.map((object) => convert(object, desiredAPIVersion));
    return { uid, result: { status: "Success" }, convertedObjects };
  } catch (error) {
    return { uid, result: { status: "Failure", message: messageOf(error) } };
  }
}

function defaulted({ uid, object, namespace }: ReviewRequest): object {
  const patch = defaultingPatch(object, namespace);
  if (patch.length === 0) return { uid, allowed: true };
  return { uid, allowed: true, patchType: "JSONPatch", patch: btoa(JSON.stringify(patch)) };
}

function validated({ uid, object, namespace }: ReviewRequest, websites: readonly Website[]): object {
  const message = refusal(object, namespace, websites);
  if (message !== undefined)
    return { uid, allowed: false, status: { code: 422, reason: "Invalid", message } };
  const warnings = object.spec.replicas === 0 ? ["spec.replicas: nobody will answer for this website"] : [];
  return { uid, allowed: true, warnings };
}

const bodyBytesMax = 8 * 1024 * 1024;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error(`a review of more than ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
