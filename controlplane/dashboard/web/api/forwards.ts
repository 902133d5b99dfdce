import { signal } from "@preact/signals";
import { keyHeaders, Refusal, refusalOf } from "./session.ts";

/** A port of a pod or service. */
export interface ForwardTarget {
  readonly kind: "pod" | "service";
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly scheme: "http" | "https";
}

/** An address of this machine that leads to one. */
export interface Forward extends ForwardTarget {
  readonly id: string;
  readonly origin: string;
}

/** This session's; undefined until the server has told. */
export const forwards = signal<readonly Forward[] | undefined>(undefined);
/** Whether the browser is on the machine of the dashboard's server. */
export const canForward = signal(true);

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/forwards${path}`, {
      method,
      headers: { ...keyHeaders(), ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Refusal(0, "the dashboard's server does not answer");
  }
  if (!answer.ok) throw refusalOf(answer.status, await answer.text());
  return (await answer.json()) as T;
}

/** Asks which are open. */
export async function lookAtForwards(): Promise<void> {
  try {
    const said = await ask<{ readonly isLocal: boolean; readonly forwards: readonly Forward[] }>("GET", "");
    canForward.value = said.isLocal;
    forwards.value = said.forwards;
  } catch {
    // It is asked again with the next deed; a session that ended shows as such.
    forwards.value = [];
  }
}

/** Opens one in a new tab. Rejects with Refusal. */
export async function openForward(target: ForwardTarget): Promise<void> {
  await lookAtForwards();
  const known = forwards.value?.find((one) => isSame(one, target));
  const { url } = await (known === undefined
    ? ask<{ readonly url: string }>("POST", "", target)
    : ask<{ readonly url: string }>("POST", `/${known.id}`));
  // The tab has no way back to this page, and does not learn where it came from.
  open(url, "_blank", "noopener,noreferrer");
  await lookAtForwards();
}

export async function closeForward(id: string): Promise<void> {
  try {
    await ask("DELETE", `/${id}`);
  } catch {
    // It may have ended by itself; which are open is asked for in any case.
  }
  await lookAtForwards();
}

export const isSame = (one: ForwardTarget, other: ForwardTarget): boolean =>
  one.kind === other.kind &&
  one.namespace === other.namespace &&
  one.name === other.name &&
  one.port === other.port &&
  one.scheme === other.scheme;
