import type { KubeObject } from "../api/object-feed.ts";
import { onOtherPerson, setUnfinished } from "../unfinished.ts";

/** A text that is being written. It stands whichever view is looked at, until it is saved or thrown away. */
export interface Draft {
  readonly text: string;
  /** The object as the text began with it, or took it in last. Undefined: it is to be made. */
  readonly base: KubeObject | undefined;
}

const drafts = new Map<string, Draft>();
onOtherPerson(() => drafts.clear());

export const draftOf = (key: string): Draft | undefined => drafts.get(key);

export function keepDraft(
  key: string,
  draft: Draft,
  shown: { readonly what: string; readonly href: string },
): void {
  drafts.set(key, draft);
  setUnfinished(`edit ${key}`, shown);
}

export function dropDraft(key: string): void {
  drafts.delete(key);
  setUnfinished(`edit ${key}`, undefined);
}
