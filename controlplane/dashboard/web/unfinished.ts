import { effect, signal } from "@preact/signals";
import { session } from "./api/session.ts";

/** What a person has begun and would lose with this page: a text that is not saved, a drain that is under way. */
export interface Unfinished {
  readonly what: string;
  /** The view that goes on with it. */
  readonly href: string;
}

export const unfinished = signal<ReadonlyMap<string, Unfinished>>(new Map());

export function setUnfinished(key: string, one: Unfinished | undefined): void {
  const known = unfinished.value.get(key);
  if (known === one || (known && one && known.what === one.what && known.href === one.href)) return;
  const next = new Map(unfinished.value);
  if (one === undefined) next.delete(key);
  else next.set(key, one);
  unfinished.value = next;
}

const forgetters: (() => void)[] = [];
/** What is to be forgotten when somebody else signs in. */
export const onOtherPerson = (forget: () => void): void => void forgetters.push(forget);

let person = "";
effect(() => {
  if (session.value.is !== "in") return;
  const { username } = session.value.person;
  if (person !== "" && person !== username) {
    for (const forget of forgetters) forget();
    unfinished.value = new Map();
  }
  person = username;
});

addEventListener("beforeunload", (event) => {
  if (unfinished.value.size > 0) event.preventDefault();
});
