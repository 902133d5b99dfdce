import { computed, effect, signal, untracked } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { discover, kindOf, kinds } from "./api/discovery.ts";
import { followKinds } from "./api/follow-kinds.ts";
import { enter, session } from "./api/session.ts";
import { HomePage } from "./pages/home.tsx";
import { ListPage } from "./pages/list.tsx";
import { NewPage } from "./pages/new.tsx";
import { ObjectPage } from "./pages/object.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { path } from "./route.ts";
import "./style/main.css";
import { Keys } from "./ui/keys.tsx";
import { Late } from "./ui/late.tsx";
import { Palette } from "./ui/palette.tsx";
import { Shell } from "./ui/shell.tsx";

function App() {
  if (session.value.is !== "in") return <SignIn />;
  return (
    <>
      <Shell>
        <Page />
      </Shell>
      <Palette />
      <Keys />
    </>
  );
}

const loadLogs = async () => (await import("./pages/logs.tsx")).LogsPage;
const loadMap = async () => (await import("./pages/map.tsx")).MapPage;

const pageTitles: Readonly<Record<string, string>> = { map: "Map", logs: "Logs" };

function Page() {
  const [first, group, plural, namespace, name] = path.value;
  const title = [name ?? plural ?? pageTitles[first ?? ""] ?? "Overview", "Pintle"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
  if (first === undefined) return <HomePage />;
  if (first === "map") return <Late load={loadMap} props={{}} />;
  if (first === "logs") return <Late load={loadLogs} props={{}} />;
  const kind = first === "k" || first === "new" ? kindOf(`${group}/${plural}`) : undefined;
  if (kind === undefined) return <Unknown />;
  if (first === "new") return <NewPage kind={kind} />;
  if (namespace !== undefined && name !== undefined)
    return <ObjectPage kind={kind} namespace={namespace === "_" ? "" : namespace} name={name} />;
  return <ListPage kind={kind} />;
}

function Unknown() {
  if (discoveryFailed.value !== "")
    return (
      <section class="page">
        <p class="banner banner-bad" role="alert">
          What the cluster serves is not known yet: {discoveryFailed.value}
        </p>
      </section>
    );
  if (kinds.value.length === 0) return <section class="page" aria-busy="true" />;
  return (
    <section class="page">
      <h1>Nothing here</h1>
      <p>The cluster serves nothing at this address.</p>
    </section>
  );
}

const rediscoverMs = 5_000;
const discoveryFailed = signal("");

async function discoverAtLast(): Promise<void> {
  try {
    await discover();
    discoveryFailed.value = "";
  } catch (error) {
    discoveryFailed.value = error instanceof Error ? error.message : String(error);
    setTimeout(() => void discoverAtLast(), rediscoverMs);
  }
}

effect(() => {
  if (session.value.is === "in") void discoverAtLast();
});
const isKnown = computed(() => session.value.is === "in" && kinds.value.length > 0);
effect(() => (isKnown.value ? untracked(followKinds) : undefined));
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
void enter();
