// Bundles the dashboard's pages into dist/dashboard: one page, and files named for what is in them. What only some views need (the
// editor, the terminal, charts) is loaded when such a view opens.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** What a browser loads before it shows anything, gzipped, is held to a budget by `test/dashboard`. Answers esbuild's metafile. */
export async function buildDashboard({ root, out }) {
  const folder = join(out, "dashboard");
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: "controlplane/dashboard/web/main.tsx" },
    outdir: folder,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    publicPath: "/assets/",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
  });
  const [entry, { cssBundle }] = Object.entries(metafile.outputs).find(([, { entryPoint }]) =>
    entryPoint?.endsWith("/main.tsx"),
  );
  const address = (file) => `/assets/${file.slice(file.lastIndexOf("/") + 1)}`;
  writeFileSync(join(folder, "index.html"), page({ script: address(entry), style: address(cssBundle) }));
  return metafile;
}

const page = ({ script, style }) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pintle</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='7' fill='%230b6e77'/%3E%3Cpath d='M12 6h8v4h-2v5h6v4h-6v8h-4v-8H8v-4h6v-5h-2z' fill='%23fff'/%3E%3C/svg%3E">
<link rel="stylesheet" href="${style}">
<script type="module" src="${script}"></script>
</head>
<body><div id="app"></div><noscript>The dashboard needs JavaScript. Without it: pintle get, pintle why.</noscript></body>
</html>
`;
