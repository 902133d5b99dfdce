import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { type ShellChoice, shellChoices, shellTitles } from "../model/shells.ts";
import { terminalContainers } from "../model/terminal-containers.ts";
import type { TerminalSession } from "../terminal/session.ts";
import { DebugButton } from "./debug-container.tsx";
import { Icon } from "./icons.tsx";

const isMac = /Mac/.test(navigator.platform);

/** A terminal to a container of a pod. Its screen is loaded when it is first opened. */
export function TerminalView({ pod }: { readonly pod: KubeObject }) {
  const { namespace = "", name } = pod.metadata;
  const containers = terminalContainers(pod);
  const chosen = useSignal("");
  const choice = useSignal<ShellChoice>("shell");
  const readsAloud = useSignal(false);
  const opened = useSignal<TerminalSession | undefined>(undefined);
  const failed = useSignal("");
  const place = useRef<HTMLDivElement>(null);
  const tools = useRef<HTMLDivElement>(null);
  const container = containers.find((one) => one.name === chosen.value) ?? containers[0];
  const resource = choice.value === "attach" ? "pods/attach" : "pods/exec";
  // Browsers open WebSockets by GET, so that older clusters ask for this right where newer ones ask for the other.
  const may = allows(rightsIn(namespace), { verb: "create", group: "", resource, name });
  const key = container && may && container.isRunning ? `${container.name} ${choice.value}` : "";
  useEffect(() => {
    const box = place.current;
    if (key === "" || container === undefined || box === null) return;
    let isGone = false;
    let session: TerminalSession | undefined;
    failed.value = "";
    import("../terminal/session.ts")
      .then(({ TerminalSession: Session }) => {
        if (isGone) return;
        const target = { namespace, pod: name, container, choice: choice.value };
        session = new Session(box, target, () => tools.current?.querySelector("select")?.focus());
        session.screen.readsAloud = readsAloud.value;
        opened.value = session;
      })
      .catch((error: unknown) => {
        failed.value = `The terminal cannot be loaded: ${error instanceof Error ? error.message : error}`;
      });
    return () => {
      isGone = true;
      session?.close();
      opened.value = undefined;
    };
  }, [namespace, name, key]);
  const state = opened.value?.state.value;
  if (container === undefined) return null;
  return (
    <div class="logs">
      <div class="tools tools-left" ref={tools}>
        <select
          aria-label="Container"
          value={container.name}
          onChange={(event) => (chosen.value = event.currentTarget.value)}
        >
          {containers.map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
              {one.isRunning ? "" : " (not running)"}
            </option>
          ))}
        </select>
        <select
          aria-label="Open"
          value={choice.value}
          onChange={(event) => (choice.value = event.currentTarget.value as ShellChoice)}
        >
          {shellChoices.map((one) => (
            <option key={one} value={one}>
              {shellTitles[one]}
            </option>
          ))}
        </select>
        <button
          type="button"
          title="Copies what is selected, or all"
          onClick={() => void navigator.clipboard.writeText(opened.value?.screen.text() ?? "")}
        >
          <Icon name="copy" /> Copy
        </button>
        <label class="check">
          <input
            type="checkbox"
            checked={readsAloud.value}
            onChange={(event) => {
              readsAloud.value = event.currentTarget.checked;
              if (opened.value) opened.value.screen.readsAloud = readsAloud.value;
            }}
          />
          Screen reader
        </label>
        <DebugButton
          pod={pod}
          target={container.name}
          onAdded={(added) => {
            chosen.value = added;
            choice.value = "attach";
          }}
        />
      </div>
      {!may && (
        <p class="banner banner-warn" role="status">
          You may not create {resource} here, so that no terminal can be opened.
        </p>
      )}
      {may && !container.isRunning && (
        <p class="banner banner-warn" role="status">
          {container.name} is not running. A terminal opens once it does.
        </p>
      )}
      {failed.value && (
        <p class="banner banner-bad" role="alert">
          {failed.value}
        </p>
      )}
      <div
        class="terminal-box mono"
        ref={place}
        role="application"
        aria-label={`Terminal of ${container.name}`}
        aria-describedby="terminal-keys"
      />
      <div class="terminal-foot">
        <p id="terminal-keys" class="quiet">
          <kbd>Ctrl M</kbd> leaves the terminal, as Tab goes to it.{" "}
          <kbd>{isMac ? "⌘ C" : "Ctrl Shift V"}</kbd> {isMac ? "copies" : "pastes"},{" "}
          <kbd>{isMac ? "⌘ V" : "Ctrl C"}</kbd> {isMac ? "pastes." : "copies what is selected."}
        </p>
        <p role="status">
          {state?.is === "opening" && "Opening…"}
          {state?.is === "over" && (
            <>
              {state.text}{" "}
              <button type="button" onClick={() => reopen(opened.value)}>
                Open again
              </button>
              {state.lacksShell && " A debug container brings one."}
            </>
          )}
        </p>
      </div>
    </div>
  );
}

function reopen(session: TerminalSession | undefined): void {
  session?.open();
  session?.screen.focus();
}
