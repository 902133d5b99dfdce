import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { kindKey, kinds } from "../api/discovery.ts";
import { connection } from "../api/follow.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { leave, session } from "../api/session.ts";
import { menuOf, titleOf } from "../model/menu.ts";
import { namespace, path, to } from "../route.ts";
import { Icon } from "./icons.tsx";
import { NamespacePicker } from "./namespace-picker.tsx";
import { OpenForwards } from "./open-forwards.tsx";
import { paletteOpen } from "./palette.tsx";
import { theme, turnTheme } from "./theme.ts";
import { UnfinishedMark } from "./unfinished.tsx";

/** What stands around every view: side bar, top bar, and the word that the connection was lost. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const isOpen = useSignal(false);
  const here = path.value.join("/");
  useEffect(() => {
    isOpen.value = false;
  }, [here]);
  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="top">
        <button
          type="button"
          class="icon-button only-narrow"
          aria-label="Menu"
          aria-expanded={isOpen.value}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          <Icon name={isOpen.value ? "close" : "menu"} />
        </button>
        <a class="brand" href={to([])}>
          Pintle
        </a>
        <NamespacePicker />
        <button type="button" class="find" onClick={() => (paletteOpen.value = true)}>
          <Icon name="search" />
          <span>Find anything</span>
          <kbd>{/Mac/.test(navigator.platform) ? "⌘K" : "Ctrl K"}</kbd>
        </button>
        <UnfinishedMark />
        <button
          type="button"
          class="icon-button"
          aria-label={`Theme: ${theme.value}`}
          title={`Theme: ${theme.value}`}
          onClick={turnTheme}
        >
          <Icon name={theme.value === "dark" ? "moon" : "sun"} />
        </button>
        <OpenForwards />
        <Person />
      </header>
      <nav class={isOpen.value ? "side side-open" : "side"} aria-label="Kinds">
        <Menu />
      </nav>
      <main id="content" tabIndex={-1}>
        <Lost />
        {children}
      </main>
    </div>
  );
}

function Menu() {
  const here = path.value.slice(0, 3).join("/");
  const chosen = namespace.value;
  const rights = rightsIn(chosen);
  const groups = useMemo(
    () =>
      menuOf(kinds.value, ({ group, plural }) => allows(rights, { verb: "list", group, resource: plural })),
    [kinds.value, rights],
  );
  return (
    <>
      <a href={to([])} class="menu-line" aria-current={here === "" ? "page" : undefined}>
        Overview
      </a>
      <a href={to(["map"])} class="menu-line" aria-current={here === "map" ? "page" : undefined}>
        Map
      </a>
      <a href={to(["logs"])} class="menu-line" aria-current={here === "logs" ? "page" : undefined}>
        Logs
      </a>
      {groups.map(({ heading, kinds: ofHeading }, at) => (
        <details key={heading} open={at < 2 || ofHeading.some((kind) => here === `k/${kindKey(kind)}`)}>
          <summary>{heading}</summary>
          {ofHeading.map((kind) => (
            <a
              key={kindKey(kind)}
              class="menu-line"
              href={to(["k", ...kindKey(kind).split("/")])}
              aria-current={here === `k/${kindKey(kind)}` ? "page" : undefined}
            >
              {titleOf(kind)}
            </a>
          ))}
        </details>
      ))}
    </>
  );
}

function Person() {
  const state = session.value;
  if (state.is !== "in") return null;
  return (
    <details class="person">
      <summary class="icon-button" aria-label={`Signed in as ${state.person.username}`}>
        <Icon name="user" />
      </summary>
      <div class="pop">
        <p>
          <strong>{state.person.username}</strong>
        </p>
        <p class="quiet">{state.person.groups.join(", ")}</p>
        <button type="button" onClick={() => void leave()}>
          Sign out
        </button>
      </div>
    </details>
  );
}

function Lost() {
  const isLost = useComputed(() => connection.value === "lost");
  if (!isLost.value) return null;
  return (
    <p class="banner banner-warn" role="status">
      <Icon name="alert" /> The connection was lost. What you see is the last that came; it goes on by itself.
    </p>
  );
}
