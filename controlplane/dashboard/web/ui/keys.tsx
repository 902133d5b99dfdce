import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { go, to } from "../route.ts";

const isOpen = signal(false);
const command = /Mac/.test(navigator.platform) ? "⌘" : "Ctrl";

/** After `g`. */
const places: Readonly<Record<string, readonly [what: string, ...segments: string[]]>> = {
  o: ["Overview"],
  m: ["Map", "map"],
  p: ["Pods", "k", "core", "pods"],
  d: ["Deployments", "k", "apps", "deployments"],
  s: ["Services", "k", "core", "services"],
  n: ["Nodes", "k", "core", "nodes"],
  e: ["Events", "k", "events.k8s.io", "events"],
};
const secondKeyMs = 1_500;
let firstAtMs = Number.NEGATIVE_INFINITY;

addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  // Who writes, or is asked something, means the letter; a terminal or an editor takes its keys itself.
  if (target instanceof Element && target.closest("input, textarea, select, [contenteditable], dialog"))
    return;
  const isSecond = performance.now() - firstAtMs < secondKeyMs;
  firstAtMs = Number.NEGATIVE_INFINITY;
  const place = isSecond ? places[key] : undefined;
  if (place !== undefined) go(to(place.slice(1)));
  else if (key === "g") firstAtMs = performance.now();
  else if (key === "?") isOpen.value = true;
  else if (key === "/") document.querySelector<HTMLElement>("main input[type=search]")?.focus();
  else return;
  if (key !== "g") event.preventDefault();
});

const keys: readonly (readonly [key: string, what: string])[] = [
  [`${command} K`, "find a kind, a namespace, an object by its name or label"],
  ["/", "filter the table"],
  ["?", "show these keys"],
  ["Esc", "close what is open"],
  ["Tab, Enter", "go through what can be opened, and open it"],
  ...Object.entries(places).map(([key, [what]]): readonly [string, string] => [`g ${key}`, what]),
];

/** The keys that do something, on `?`. */
export function Keys() {
  const box = useRef<HTMLDialogElement>(null);
  const opens = isOpen.value;
  useEffect(() => {
    if (opens && !box.current?.open) box.current?.showModal();
    if (!opens) box.current?.close();
  }, [opens]);
  return (
    <dialog class="ask" ref={box} onClose={() => (isOpen.value = false)} aria-label="Keys">
      {opens && (
        <>
          <h2>Keys</h2>
          <dl class="facts">
            {keys.map(([key, what]) => (
              <>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </>
            ))}
          </dl>
          <div class="ask-buttons">
            <button type="button" onClick={() => (isOpen.value = false)}>
              Close
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}
