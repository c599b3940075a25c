// Builds every bundle. `vscode` is external for the extension alone, so an import of it elsewhere fails the build;
// the page is built for the browser, so a Node import there fails too.

import { existsSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const production = process.argv.includes("--production");
const root = fileURLToPath(new URL(".", import.meta.url));

/** @type {import("esbuild").BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  logLevel: "warning",
  minify: production,
  sourcemap: production ? false : "linked",
  legalComments: "none",
  metafile: true,
};

/** Bundled CommonJS packages ask for `require`, which a module does not have. */
const requireBanner =
  'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);';

/**
 * What packages read at once for ways of working we do not use: dockerode for ssh, and builds by BuildKit; undici for
 * HTTP/2, which it speaks only where it is told to; ollama for browsers that have no `fetch`.
 */
const leftOut = {
  name: "left-out",
  /** @param {import("esbuild").PluginBuild} build */
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(ssh2|@grpc\/[\w-]+|protobufjs|whatwg-fetch|\.\/client-h2(\.js)?)$/ }, ({ path }) => ({
      path,
      namespace: "left-out",
    }));
    onLoad({ filter: /./, namespace: "left-out" }, () => ({ contents: "module.exports = {};" }));
  },
};

/**
 * Node's own parts are asked for by `require`, and only what is used of them: an `import` reads everything a part has to
 * offer, such as all of `fetch` with `node:http`, which takes 30 ms and 13 MB.
 */
const asRequired = {
  name: "as-required",
  /** @param {import("esbuild").PluginBuild} build */
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind, namespace }) =>
      kind === "import-statement" && namespace !== "as-required" ? { path, namespace: "as-required" } : undefined,
    );
    onLoad({ filter: /./, namespace: "as-required" }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => name !== "default");
      const lines = names.flatMap((name, at) => [
        `const part${at} = /* @__PURE__ */ read("${name}");`,
        `export { part${at} as ${name} };`,
      ]);
      const contents = [`const whole = require("${path}");`, "const read = (name) => whole[name];", ...lines];
      return { contents: [...contents, "export default whole;"].join("\n") };
    });
  },
};

/** @type {import("esbuild").BuildOptions} */
const node = {
  ...shared,
  plugins: [leftOut],
  platform: "node",
  target: "node22",
  format: "esm",
  splitting: true,
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  // Its entry for Node asks for its parts in a way that cannot be followed.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  banner: { js: requireBanner },
};

await rm(`${root}dist`, { recursive: true, force: true });
await mkdir(`${root}dist`, { recursive: true });
const builds = [
  // The entry is a file of its own that imports nothing before it is activated.
  {
    ...node,
    splitting: false,
    banner: {},
    entryPoints: { extension: "src/vscode/extension.ts" },
    plugins: [
      {
        name: "start-stays-apart",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.\/start\.ts$/ }, () => ({ path: "./start.js", external: true })),
      },
    ],
  },
  { ...node, entryPoints: { start: "src/vscode/start.ts" }, external: ["vscode"] },
  { ...node, entryPoints: { cli: "src/cli/main.ts" }, plugins: [leftOut, asRequired] },
  // node-llama-cpp finds its compiled parts beside itself, so it stays a package.
  { ...node, entryPoints: { engine: "src/backends/embedded/main.ts" }, external: ["node-llama-cpp"] },
  {
    ...shared,
    entryPoints: ["chat", "monitor", "ledger"].flatMap((page) =>
      ["ts", "css"].map((kind) => ({ in: `src/webview/${page}.${kind}`, out: page })),
    ),
    platform: "browser",
    format: "iife",
    target: "chrome128",
    outdir: "dist/webview",
    loader: { ".ttf": "file" },
    assetNames: "[name]",
  },
];
await Promise.all(builds.map((build) => esbuild.build(build)));
if (existsSync(`${root}node_modules/@vscode/codicons/dist`)) {
  await cp(`${root}node_modules/@vscode/codicons/dist/codicon.css`, `${root}dist/webview/codicon.css`);
  await cp(`${root}node_modules/@vscode/codicons/dist/codicon.ttf`, `${root}dist/webview/codicon.ttf`);
}
