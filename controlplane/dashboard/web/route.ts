import { computed, signal } from "@preact/signals";

/** The address bar is the state of a view: whoever gets the address sees the same. */
const address = signal(new URL(location.href));

addEventListener("popstate", () => {
  address.value = new URL(location.href);
});
// Links of ours change the view without loading the page again; others, and those with a modifier key, stay the browser's.
addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.origin !== location.origin || link.target !== "" || link.hasAttribute("download")) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

export function go(to: string): void {
  if (to === location.pathname + location.search) return;
  history.pushState(undefined, "", to);
  address.value = new URL(location.href);
  document.querySelector("main")?.scrollTo(0, 0);
}

export const path = computed(() => address.value.pathname.split("/").filter(Boolean).map(decodeURIComponent));

/** A parameter of the view; `""` where there is none. */
export const param = (name: string): string => address.value.searchParams.get(name) ?? "";

/** Sets parameters of this view in place, without a step in the history; `""` takes one away. */
export function setParams(values: Readonly<Record<string, string>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(undefined, "", url);
  address.value = url;
}

/** The namespace that lists are narrowed to; `""` for all. It goes along from view to view. */
export const namespace = computed(() => param("ns"));

/** An address with the namespace that is chosen now. */
export function to(segments: readonly string[], params: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(
    Object.entries({ ns: namespace.value, ...params }).filter(([, value]) => value !== ""),
  );
  const text = query.toString();
  return `/${segments.map(encodeURIComponent).join("/")}${text && `?${text}`}`;
}
