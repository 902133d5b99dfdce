import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

/** A page that is loaded when it is opened. */
export function LazyPage({ load }: { readonly load: () => Promise<ComponentType> }) {
  const loaded = useSignal<{ readonly page: ComponentType } | undefined>(undefined);
  const why = useSignal("");
  useEffect(() => {
    load().then(
      (page) => {
        loaded.value = { page };
      },
      (error: unknown) => {
        why.value = String(error);
      },
    );
  }, [load]);
  const Page = loaded.value?.page;
  if (Page !== undefined) return <Page />;
  return (
    <section class="page" aria-busy={why.value === ""}>
      {why.value !== "" && (
        <p class="banner banner-bad" role="alert">
          This page could not be loaded: {why.value}. It may have been replaced by a newer one: load it again.
        </p>
      )}
    </section>
  );
}
