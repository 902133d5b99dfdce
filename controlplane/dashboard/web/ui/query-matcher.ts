import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { anyMatcher, exactMatcher, type Matcher, patternMatcher } from "../model/log-search.ts";
import { soughtIn } from "../model/search-logs.ts";

/** What marks in lines that which a query looks for. The engine of regular expressions is loaded with the first of them. */
export function useQueryMatcher(query: string): Matcher | undefined {
  const matcher = useSignal<Matcher | undefined>(undefined);
  useEffect(() => {
    let isGone = false;
    const sought = soughtIn(query);
    const texts = sought.flatMap((one) => (one.kind === "text" ? [exactMatcher(one.text)] : []));
    matcher.value = texts.length > 0 ? anyMatcher(texts) : undefined;
    if (texts.length === sought.length) return;
    import("re2js")
      .then(({ RE2JS }) => {
        if (isGone) return;
        const patterns = sought.flatMap((one) =>
          one.kind === "regex" ? [patternMatcher(one.source, RE2JS, one.ignoresCase)] : [],
        );
        matcher.value = anyMatcher([...texts, ...patterns]);
      })
      .catch(() => {
        // Lines are shown without marks; what is wrong with a pattern is the server's to say.
      });
    return () => {
      isGone = true;
    };
  }, [query]);
  return matcher.value;
}
