import { importImage } from "../import-image.ts";
import { ImageStore } from "../store.ts";
import { unpackHere } from "./unpack-here.ts";

/** A process of its own that imports, or sweeps: STORE LAYERS [ARCHIVE]. */
const [dir = "", layersDir = "", archive] = process.argv.slice(2);
const store = await ImageStore.open(dir, { layersDir, openUnpacker: unpackHere });
if (archive === undefined) await store.sweep();
else await importImage(store, archive);
