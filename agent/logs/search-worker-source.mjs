// The thread where there is no bundle: what loads the sources of the first thread does not load a thread's first file.
import { register } from "tsx/esm/api";

register();
await import("./search-worker.ts");
