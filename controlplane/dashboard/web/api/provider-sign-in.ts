/** Signing in with a provider: there and back, as the browser has its part in it. */

const ticketName = "pintle.signIn";
const callbackPath = "/oidc/callback";

interface Kept {
  readonly ticket: string;
  /** Where the person was. */
  readonly from: string;
}

/** Goes to the provider. Answers why not, as a sentence. */
export async function goToProvider(): Promise<string | undefined> {
  try {
    const answer = await fetch("/oidc", { method: "POST" });
    const said = (await answer.json()) as { location?: string; ticket?: string; message?: string };
    if (!answer.ok || !said.location || !said.ticket) return said.message ?? `refused with ${answer.status}`;
    const kept: Kept = { ticket: said.ticket, from: location.pathname + location.search };
    sessionStorage.setItem(ticketName, JSON.stringify(kept));
    location.assign(said.location);
    return undefined;
  } catch {
    return "the dashboard's server does not answer";
  }
}

export type CameBack = { readonly signIn: Readonly<Record<string, string>> } | { readonly why: string };

/** What the provider sent the person back with, taken out of the address; undefined where nobody came back. */
export function cameBack(): CameBack | undefined {
  if (location.pathname !== callbackPath) return undefined;
  const query = new URLSearchParams(location.search);
  const kept = JSON.parse(sessionStorage.getItem(ticketName) ?? "null") as Kept | null;
  sessionStorage.removeItem(ticketName);
  // It is good for one use; an address that is kept or sent must not hold it.
  history.replaceState(undefined, "", kept?.from.startsWith(callbackPath) === false ? kept.from : "/");
  dispatchEvent(new PopStateEvent("popstate"));
  const error = query.get("error");
  if (error !== null) {
    const more = query.get("error_description");
    return {
      why: `The provider did not sign you in: ${error.slice(0, 100)}${more ? `, ${more.slice(0, 300)}` : ""}`,
    };
  }
  const [code, state] = [query.get("code"), query.get("state")];
  if (code === null || state === null) return { why: "The provider sent you back without a code." };
  if (kept === null) return { why: "This sign-in was not begun in this window: begin anew." };
  const issuer = query.get("iss");
  return { signIn: { code, state, ticket: kept.ticket, ...(issuer !== null && { iss: issuer }) } };
}
