import { isObject } from "../json.ts";

/** An event's line within so many bytes: without its objects where it is larger, as Kubernetes cuts it; undefined where that is not
 *  enough. Pure. */
export function truncated(line: string, eventBytesMax: number): string | undefined {
  if (Buffer.byteLength(line) <= eventBytesMax) return line;
  const { requestObject: _, responseObject: __, annotations, ...event } = JSON.parse(line);
  const noted = { ...(isObject(annotations) && annotations), "audit.k8s.io/truncated": "true" };
  const shorter = JSON.stringify({ ...event, annotations: noted });
  return Buffer.byteLength(shorter) <= eventBytesMax ? shorter : undefined;
}
