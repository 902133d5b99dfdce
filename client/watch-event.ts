import { ApiError, isStatus } from "./api-error.ts";
import type { Status, WatchEvent } from "./types.ts";

const initialEventsEnd = "k8s.io/initial-events-end";

/** One line of a watch. An ERROR event throws ApiError. */
export function decodeWatchEvent<T>(value: unknown): WatchEvent<T> {
  if (!isEnvelope(value)) throw new TypeError("a line of the watch is no watch event");
  const { type, object } = value;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object: object as T };
    case "BOOKMARK": {
      const metadata = isRecord(object) && isRecord(object.metadata) ? object.metadata : {};
      const annotations = isRecord(metadata.annotations) ? metadata.annotations : {};
      return {
        type,
        resourceVersion: String(metadata.resourceVersion ?? ""),
        initialEventsEnd: annotations[initialEventsEnd] === "true",
      };
    }
    case "ERROR": {
      const status: Status = isStatus(object) ? object : { message: "the watch failed", code: 500 };
      throw new ApiError(status.code ?? 500, status);
    }
    default:
      throw new TypeError(`unknown watch event ${type}`);
  }
}

function isEnvelope(value: unknown): value is { type: string; object: unknown } {
  return isRecord(value) && typeof value.type === "string" && "object" in value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
