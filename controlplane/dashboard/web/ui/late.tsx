import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

interface LateProps<Props> {
  /** Give the same function each time. */
  readonly load: () => Promise<ComponentType<Props>>;
  readonly props: Props;
}

/** A view or a part of one that is loaded when it is first shown. */
export function Late<Props extends object>({ load, props }: LateProps<Props>) {
  const view = useSignal<{ readonly of: ComponentType<Props> } | undefined>(undefined);
  const why = useSignal("");
  useEffect(() => {
    load().then(
      (of) => (view.value = { of }),
      () =>
        (why.value =
          "This part of the page could not be loaded. Load the page again: the server may be a newer one."),
    );
  }, [load]);
  if (why.value !== "")
    return (
      <p class="banner banner-bad" role="alert">
        {why.value}
      </p>
    );
  if (view.value === undefined) return <div class="late" aria-busy="true" />;
  const View = view.value.of;
  return <View {...props} />;
}
