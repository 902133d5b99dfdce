import { type Kind, kindPath, objectPath } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { call, fieldManager } from "../api/session.ts";
import { bodyOf } from "../model/editable.ts";

export interface Answer {
  readonly object: KubeObject;
  /** What the server said beside it. */
  readonly warnings: readonly string[];
}

interface Wish {
  readonly kind: Kind;
  readonly namespace: string;
  readonly written: KubeObject;
  /** Undefined: it is to be made. */
  readonly base: KubeObject | undefined;
}

/** Saves what was written, or asks what would come of it. Rejects with Refusal. */
export async function send({ kind, namespace, written, base }: Wish, isDry: boolean): Promise<Answer> {
  const query = new URLSearchParams({
    fieldValidation: "Strict",
    fieldManager,
    ...(isDry && { dryRun: "All" }),
  });
  const path =
    base === undefined ? kindPath(kind, namespace) : objectPath(kind, base.metadata.name, namespace);
  const answer = await call(`${path}?${query}`, {
    method: base === undefined ? "POST" : "PUT",
    body: base === undefined ? written : bodyOf(written, base),
  });
  const object = (await answer.json()) as KubeObject;
  return { object, warnings: warningsOf(answer.headers.get("warning") ?? "") };
}

/** `299 - "text", 299 - "text"`. Pure. */
export function warningsOf(header: string): readonly string[] {
  return [...header.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
    text.replace(/\\(.)/g, "$1"),
  );
}
