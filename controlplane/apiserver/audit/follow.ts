import type { HttpResponse } from "../../../base/http2/http-response.ts";
import type { Outcome } from "../filters/authorization.ts";
import type { AuditTrail } from "./trail.ts";

/** Tells the trail when the head of the answer goes out, whoever sends it. */
export function followAnswer(response: HttpResponse, trail: AuditTrail): void {
  const send = response.writeHead;
  // Node sends heads that nobody wrote by the same door.
  response.writeHead = function writeHead(this: HttpResponse, ...given: Parameters<typeof send>) {
    trail.responds(given[0]);
    return send.apply(this, given);
  } as typeof send;
}

/** Notes how asking for the right ended, in Kubernetes' words. */
export function noteDecision(
  annotate: (key: string, value: string) => void,
  outcome: Outcome,
  reason = "",
): void {
  if (outcome !== "error")
    annotate("authorization.k8s.io/decision", outcome === "allowed" ? "allow" : "forbid");
  annotate("authorization.k8s.io/reason", outcome === "error" ? "internal error" : reason);
}
