import { useSignal } from "@preact/signals";
import { goToProvider } from "../api/provider-sign-in.ts";
import { comeIn, look, session } from "../api/session.ts";

/** For who has no session: by a link of the command line, or by a token. */
export function SignIn() {
  const state = session.value;
  const why = useSignal("");
  const isBusy = useSignal(false);
  if (state.is === "unknown") return <main class="sign-in" aria-busy="true" />;
  if (state.is === "unreachable")
    return (
      <main class="sign-in">
        <h1>Pintle</h1>
        <p role="alert">{state.why}</p>
        <button type="button" onClick={() => void look()}>
          Try again
        </button>
      </main>
    );
  if (state.is === "in") return null;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get("token") ?? "").trim();
    isBusy.value = true;
    why.value = (await comeIn({ token })) ?? "";
    isBusy.value = false;
    if (why.value === "") await look();
  };
  return (
    <main class="sign-in">
      <h1>Pintle</h1>
      {state.why && <p role="alert">{state.why}</p>}
      {state.signOutUrl && (
        <p>
          You are signed out here.{" "}
          <a href={state.signOutUrl}>Sign out at {new URL(state.signOutUrl).host}, too</a>
        </p>
      )}
      {state.ways.oidc && <ProviderButton provider={state.ways.oidc.provider} />}
      <p>On the machine where the cluster's kubeconfig is, this prints a link that signs you in:</p>
      <pre>pintle dashboard</pre>
      {state.ways.tokens && (
        <form onSubmit={(event) => void submit(event)}>
          <label for="token">
            Or use a token, such as one of a service account (kubectl create token NAME):
          </label>
          <input id="token" name="token" type="password" autoComplete="off" required />
          <button type="submit" disabled={isBusy.value}>
            Sign in
          </button>
          {why.value && <p role="alert">{why.value}</p>}
        </form>
      )}
    </main>
  );
}

function ProviderButton({ provider }: { readonly provider: string }) {
  const why = useSignal("");
  const isBusy = useSignal(false);
  const begin = async () => {
    isBusy.value = true;
    why.value = (await goToProvider()) ?? "";
    // Whoever goes there sees this page no more.
    if (why.value !== "") isBusy.value = false;
  };
  return (
    <p>
      <button type="button" class="primary" disabled={isBusy.value} onClick={() => void begin()}>
        Sign in with {provider}
      </button>
      {why.value && <span role="alert"> {why.value}</span>}
    </p>
  );
}
