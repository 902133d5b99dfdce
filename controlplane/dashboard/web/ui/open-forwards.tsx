import { useEffect } from "preact/hooks";
import { closeForward, forwards, lookAtForwards } from "../api/forwards.ts";
import { to } from "../route.ts";
import { Icon } from "./icons.tsx";

/** The session's open ways to ports; nothing where there are none. */
export function OpenForwards() {
  useEffect(() => void lookAtForwards(), []);
  const open = forwards.value ?? [];
  if (open.length === 0) return null;
  return (
    <details class="person">
      <summary class="icon-button forwards-count" aria-label={`${open.length} open ports`}>
        <Icon name="plug" />
        {open.length}
      </summary>
      <div class="pop forwards">
        <p>
          <strong>Open ports</strong>
        </p>
        <p class="quiet">They close with your session, and after an hour without use.</p>
        <ul>
          {open.map((one) => (
            <li key={one.id}>
              <a href={to(["k", "core", `${one.kind}s`, one.namespace, one.name])}>
                {one.kind} {one.name}
              </a>{" "}
              port {one.port}
              <button type="button" onClick={() => void closeForward(one.id)}>
                Close
              </button>
            </li>
          ))}
        </ul>
      </div>
    </details>
  );
}
