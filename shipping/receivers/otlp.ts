import type { Verdict } from "../core/verdict.ts";
import type { Access } from "./access.ts";
import { HttpPost, verdictOfStatus } from "./http-post.ts";
import { type OtlpShape, otlpBody, partialSuccess } from "./otlp-body.ts";
import type { Receiver } from "./receiver.ts";

/** OpenTelemetry's logs by HTTP, as protobuf. */
export function otlpHttpReceiver(access: Access, shape: OtlpShape): Receiver {
  const http = new HttpPost(access);
  return {
    async send(records, signal) {
      const options = { contentType: "application/x-protobuf", signal };
      const reply = await http.post("/v1/logs", otlpBody(records, shape), options);
      const verdict = verdictOfStatus(reply);
      return verdict.kind === "taken" ? partialVerdict(reply.body) : verdict;
    },
    close: async () => http.close(),
  };
}

/** What the message means that a server answers who took a request: it may have left some records out, and does not say which. */
export function partialVerdict(answer: Uint8Array): Verdict {
  const { rejected, why } = partialSuccess(answer);
  return rejected > 0 ? { kind: "mostly", lost: rejected, why: why.slice(0, 300) } : { kind: "taken" };
}
