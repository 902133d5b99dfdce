import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { follow } from "../api/follow.ts";

const linesMost = 20_000;
const linePx = 19;

interface LogProps {
  readonly namespace: string;
  readonly pod: string;
  readonly containers: readonly string[];
}

/** A container's lines as they come; the last `linesMost` are kept. */
export function LogView({ namespace, pod, containers }: LogProps) {
  const container = useSignal(containers[0] ?? "");
  const previous = useSignal(false);
  const words = useSignal("");
  const lines = useSignal<readonly string[]>([]);
  const why = useSignal("");
  const isFollowing = useRef(true);
  const box = useRef<HTMLDivElement>(null);
  const at = useSignal(0);
  useEffect(() => {
    lines.value = [];
    why.value = "";
    const query = new URLSearchParams({
      container: container.value,
      tailLines: "2000",
      ...(previous.value ? { previous: "true" } : { follow: "true" }),
    });
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query}`;
    return follow(path, "*/*", {
      lines: (more) => {
        lines.value = [...lines.value, ...more].slice(-linesMost);
      },
      end: (code, message) => {
        why.value = code === 200 ? "The log ended here." : message;
      },
    });
  }, [namespace, pod, container.value, previous.value]);
  const shown = useMemo(() => {
    const word = words.value.toLowerCase();
    return word === "" ? lines.value : lines.value.filter((line) => line.toLowerCase().includes(word));
  }, [lines.value, words.value]);
  useEffect(() => {
    if (isFollowing.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown]);
  const onScroll = () => {
    if (box.current === null) return;
    const { scrollTop, clientHeight, scrollHeight } = box.current;
    isFollowing.current = scrollHeight - scrollTop - clientHeight < 2 * linePx;
    at.value = Math.max(0, Math.floor(scrollTop / linePx) - 40);
  };
  return (
    <div class="logs">
      <div class="tools tools-left">
        <select
          aria-label="Container"
          value={container.value}
          onChange={(event) => (container.value = event.currentTarget.value)}
        >
          {containers.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <input
          type="search"
          aria-label="Search in the log"
          placeholder="Search"
          value={words.value}
          onInput={(event) => (words.value = event.currentTarget.value)}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={previous.value}
            onChange={(event) => (previous.value = event.currentTarget.checked)}
          />
          Previous run
        </label>
        <span class="quiet">{shown.length.toLocaleString("en")} lines</span>
      </div>
      <div
        class="log-box"
        ref={box}
        onScroll={onScroll}
        role="log"
        aria-label={`Log of ${container.value}`}
        tabIndex={0}
      >
        <div style={{ height: `${shown.length * linePx}px` }}>
          {shown.slice(at.value, at.value + 140).map((line, index) => (
            <div
              key={at.value + index}
              class="log-line"
              style={{ transform: `translateY(${(at.value + index) * linePx}px)` }}
            >
              {line}
            </div>
          ))}
        </div>
      </div>
      {why.value && <p class="quiet">{why.value}</p>}
    </div>
  );
}
