import { signal } from "@preact/signals";
import { cameBack } from "./provider-sign-in.ts";

/** Where the browser keeps the session's key: scripts of our own origin alone can read it. */
const keyName = "pintle.key";
const keyHeader = "x-pintle-key";

export interface Person {
  readonly username: string;
  readonly groups: readonly string[];
}
export interface Ways {
  readonly tokens: boolean;
  /** Whom one may sign in with, by the name of its host. */
  readonly oidc?: { readonly provider: string };
}

export type SessionState =
  | { readonly is: "unknown" }
  | { readonly is: "out"; readonly ways: Ways; readonly why?: string; readonly signOutUrl?: string }
  | { readonly is: "in"; readonly person: Person }
  | { readonly is: "unreachable"; readonly why: string };

export const session = signal<SessionState>({ is: "unknown" });

let key: string | undefined = localStorage.getItem(keyName) ?? undefined;

export const keyHeaders = (): Record<string, string> => (key === undefined ? {} : { [keyHeader]: key });
/** A WebSocket has no headers of its own. */
export const keyProtocols = (): readonly string[] => (key === undefined ? [] : [`pintle.key.${key}`]);

export interface Cause {
  readonly field: string;
  readonly message: string;
  readonly reason?: string;
}

/** What the server said no with. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  /** What is wrong with which field. */
  readonly causes: readonly Cause[];

  constructor(code: number, message: string, reason = "", causes: readonly Cause[] = []) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.causes = causes;
  }
}

/** Takes the one-time code of the address, or what a provider sent us back with, if there is one, and asks who we are. */
export async function enter(): Promise<void> {
  const back = cameBack();
  if (back !== undefined) {
    const why = "why" in back ? back.why : await comeIn(back);
    await look();
    if (why !== undefined && session.value.is === "out") session.value = { ...session.value, why };
    return;
  }
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
  if (code !== undefined) {
    // It is good for one use; an address that is kept or sent must not hold it.
    history.replaceState(undefined, "", location.pathname + location.search);
    const why = await comeIn({ code, nonce: newNonce() });
    if (why !== undefined) {
      await look();
      if (session.value.is === "out") session.value = { ...session.value, why };
      return;
    }
  }
  await look();
}

function newNonce(): string {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
}

/** Opens a session. Answers why not, as a sentence. */
export async function comeIn(
  by:
    | { readonly code: string; readonly nonce: string }
    | { readonly token: string }
    | { readonly signIn: Readonly<Record<string, string>> },
): Promise<string | undefined> {
  // A code that was taken although no answer came is taken once more of who has its nonce.
  const answer = await patiently(() =>
    fetch("/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(by),
    }),
  ).catch(() => {
    // It is said below, in words for people.
  });
  if (answer === undefined) return noAnswer;
  const said = (await answer.json()) as { readonly key?: string; readonly message?: string };
  if (!answer.ok || said.key === undefined) return said.message ?? `refused with ${answer.status}`;
  key = said.key;
  localStorage.setItem(keyName, key);
  return undefined;
}

export async function leave(): Promise<void> {
  const answer = await fetch("/session", { method: "DELETE", headers: keyHeaders() });
  const { signOutUrl } = (await answer.json()) as { readonly signOutUrl?: string };
  key = undefined;
  localStorage.removeItem(keyName);
  await look();
  if (session.value.is === "out" && signOutUrl) session.value = { ...session.value, signOutUrl };
}

export async function look(): Promise<void> {
  clearTimeout(lookAgain);
  try {
    const answer = await patiently(() => fetch("/session", { headers: keyHeaders() }));
    const said = (await answer.json()) as {
      readonly ways?: Ways;
      readonly user?: Person;
      readonly message?: string;
      /** Why a session has ended. */
      readonly why?: string;
    };
    if (answer.ok && said.user) session.value = { is: "in", person: said.user };
    else if (said.ways) session.value = { is: "out", ways: said.ways, ...(said.why && { why: said.why }) };
    else
      session.value = { is: "unreachable", why: said.message ?? `the dashboard answered ${answer.status}` };
  } catch {
    session.value = { is: "unreachable", why: noAnswer };
  }
  // Who could not be told who they are is told when it can be.
  if (session.value.is === "unreachable") lookAgain = setTimeout(() => void look(), lookAgainMs);
}

const lookAgainMs = 3_000;
let lookAgain: ReturnType<typeof setTimeout> | undefined;
const noAnswer = "the dashboard's server does not answer";
const triesMost = 4;
const retryMs = 250;

/** Sends again what got no answer: a network that changes under a browser ends what is under way. For what does no harm twice. */
async function patiently(send: () => Promise<Response>, signal?: AbortSignal): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      if (signal?.aborted || tries >= triesMost) throw error;
      await new Promise((resolve) => setTimeout(resolve, tries * retryMs));
    }
  }
}

/** Whose changes of fields these are, as objects tell it (`metadata.managedFields`). */
export const fieldManager = "pintle-dashboard";

export interface CallOptions {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** A request to the cluster's API as the person who looks. Rejects with Refusal, whose code is 0 where nobody answered. */
export async function call(path: string, options: CallOptions = {}): Promise<Response> {
  const { method = "GET", accept = "application/json", body, contentType = "application/json" } = options;
  const send = () =>
    fetch(`/cluster${path}`, {
      method,
      headers: { ...keyHeaders(), accept, ...(body !== undefined && { "content-type": contentType }) },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(options.signal && { signal: options.signal }),
    });
  let answer: Response;
  try {
    answer = await (method === "GET" ? patiently(send, options.signal) : send());
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refusal(0, noAnswer);
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  // A session that ended is shown as such; a 401 of the cluster's API is the person's own (a token that expired).
  if (answer.status === 401) void look();
  throw refusalOf(answer.status, text);
}

export function refusalOf(code: number, text: string): Refusal {
  try {
    const { message, reason, details } = JSON.parse(text) as {
      readonly message?: string;
      readonly reason?: string;
      readonly details?: { readonly causes?: readonly Partial<Cause>[] };
    };
    const causes = (details?.causes ?? []).map(({ field = "", message: why = "", reason: rule = "" }) => ({
      field,
      message: why,
      reason: rule,
    }));
    if (message) return new Refusal(code, message, reason, causes);
  } catch {
    // Not a Status: the text is all there is.
  }
  return new Refusal(code, text.slice(0, 500) || `refused with ${code}`);
}

export async function callJson<T>(path: string, options: CallOptions = {}): Promise<T> {
  return (await (await call(path, options)).json()) as T;
}
