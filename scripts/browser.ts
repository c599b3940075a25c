// Chromium for the tests: the one that is installed, else Debian's.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
const applications = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];
const cjkFonts = ["/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/noto-cjk"];

/** Without sandbox where it cannot have one (root, containers); quiet towards the network. */
export const browserArgs = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function findBrowser(): string | undefined {
  const given = process.env["SWITCHYARD_BROWSER"];
  const inPath = (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return [...(given ? [given] : []), ...inPath, ...applications].find((file) => existsSync(file));
}

/** @throws Error with one line that names what to install */
export async function ensureBrowser(): Promise<string> {
  const isDebianRoot = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  const isMissing =
    findBrowser() === undefined || (process.platform === "linux" && !cjkFonts.some((file) => existsSync(file)));
  if (isMissing && isDebianRoot) {
    console.log("Installing chromium and Chinese fonts …");
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-qq"], { env, isQuiet: true });
    const packages = ["chromium", "fonts-noto-cjk"];
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env, isQuiet: true });
  }
  const found = findBrowser();
  if (!found)
    throw new Error(
      "Install Chromium or Chrome (Debian: apt-get install chromium fonts-noto-cjk), then run this again.",
    );
  return found;
}
