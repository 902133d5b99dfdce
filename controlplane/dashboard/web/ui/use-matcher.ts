import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Matcher, patternMatcher, textMatcher } from "../model/log-search.ts";

interface Search {
  readonly matcher: Matcher | undefined;
  /** Why it is no pattern. */
  readonly problem: string;
}

const none: Search = { matcher: undefined, problem: "" };

/** What finds a text, or a pattern, whose engine is loaded with the first of them. */
export function useMatcher(wanted: string, isPattern: boolean): Search {
  const search = useSignal(none);
  useEffect(() => {
    if (wanted === "" || !isPattern) {
      search.value = wanted === "" ? none : { matcher: textMatcher(wanted), problem: "" };
      return;
    }
    let isGone = false;
    import("re2js")
      .then(({ RE2JS }) => {
        if (!isGone) search.value = { matcher: patternMatcher(wanted, RE2JS), problem: "" };
      })
      .catch((error: unknown) => {
        if (!isGone)
          search.value = {
            matcher: undefined,
            problem: error instanceof Error ? error.message : String(error),
          };
      });
    return () => {
      isGone = true;
    };
  }, [wanted, isPattern]);
  return search.value;
}
