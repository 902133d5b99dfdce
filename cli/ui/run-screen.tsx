import { render } from "ink";
import { deferred } from "../../base/deferred.ts";
import { App, type AppOptions } from "./app.ts";
import { View } from "./view.tsx";

export interface ScreenOptions extends Pick<AppOptions, "place" | "placeOf" | "namespace" | "isReadonly"> {
  /** What is shown first, as `:` would. */
  readonly begin: string;
  readonly signal: AbortSignal;
}

/** The terminal's other screen, which leaves what stood there before as it was. */
const otherScreen = { enter: "\x1b[?1049h\x1b[H", leave: "\x1b[?1049l" } as const;

/** Draws until the person quits, or the signal aborts. */
export async function runScreen({ begin, signal, ...options }: ScreenOptions): Promise<void> {
  const { stdout } = process;
  let drawn: ReturnType<typeof draw> | undefined;
  const { promise: ended, resolve: quit } = deferred<void>();
  const app = new App({
    ...options,
    quit,
    copy: (text) => void stdout.write(`\x1b]52;c;${Buffer.from(text).toString("base64")}\x07`),
    async outside(act) {
      drawn?.unmount();
      drawn = undefined;
      stdout.write(otherScreen.leave);
      try {
        await act();
      } finally {
        stdout.write(otherScreen.enter);
        drawn = draw(app);
      }
    },
  });
  signal.addEventListener("abort", quit as () => void, { once: true });
  stdout.write(otherScreen.enter);
  try {
    app.start(begin);
    drawn = draw(app);
    await ended;
  } finally {
    signal.removeEventListener("abort", quit as () => void);
    drawn?.unmount();
    app.close();
    stdout.write(otherScreen.leave);
  }
}

const draw = (app: App) => render(<View app={app} />, { exitOnCtrlC: false, patchConsole: false });
