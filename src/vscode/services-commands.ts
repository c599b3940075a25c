// Starting, stopping and mending the containers from the editor.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { msg } from "../core/message.ts";
import type { DoctorFinding, ServiceProfile } from "../core/services.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { setContextKey } from "./context-keys.ts";
import { follow, takeAway, teller, withProgress } from "./follow-services.ts";
import { withHurry } from "./hurry.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";
import type { ServicesView } from "./services-view.ts";

/** Containers are programs: a workspace that is not trusted starts none. */
function mustBeTrusted(): void {
  if (vscode.workspace.isTrusted) return;
  throw new TaskError("bad-input", msg("Containers are not touched in Restricted Mode. Trust this workspace first."));
}

/** @param profile absent: the one of before */
export async function startServices(app: App, view: ServicesView, profile?: ServiceProfile): Promise<void> {
  mustBeTrusted();
  const wish = profile ? { profile } : {};
  const places = await withHurry(async (hurry) =>
    withProgress(vscode.l10n.t("Starting services"), (report, signal) =>
      follow(app.services.up({ ...wish, hurry: hurry.signal }, signal), { view, report, hurry }),
    ),
  );
  inform(vscode.l10n.t("Services run. {0}", places.join(", ")));
}

/** What runs now is said before, and what runs then after it, also where it was gone back from. */
export async function updateOllama(app: App, view: ServicesView): Promise<void> {
  mustBeTrusted();
  const before = await ollamaImage(app);
  if (!before)
    throw new TaskError("bad-input", msg("No model server runs in a container here: there is none to update."));
  const version = await vscode.window.showInputBox({
    title: vscode.l10n.t("Update Ollama in Its Container"),
    prompt: vscode.l10n.t(
      "Now it is {0}. Models stay, and what does not come up is gone back from. Empty: the version that belongs to this Switchyard.",
      before,
    ),
    placeHolder: vscode.l10n.t("such as 0.31.1"),
    ignoreFocusOut: true,
  });
  if (version === undefined) return;
  try {
    await withHurry(async (hurry) =>
      withProgress(vscode.l10n.t("Updating Ollama"), (report, signal) =>
        follow(app.services.update(version.trim(), { hurry: hurry.signal }, signal), { view, report, hurry }),
      ),
    );
  } catch (error) {
    if (error instanceof Error && isAbort(error)) {
      inform(vscode.l10n.t("Cancelled: {0} runs as before.", before));
    }
    throw error;
  } finally {
    view.refresh();
  }
  const after = (await ollamaImage(app)) ?? "";
  inform(
    after === before
      ? vscode.l10n.t("{0} ran already, and runs.", after)
      : vscode.l10n.t("{0} runs in place of {1}, with all its models.", after, before),
  );
}

/** Undefined where it does not run in a container. */
async function ollamaImage(app: App): Promise<string | undefined> {
  const status = await withProgress(vscode.l10n.t("Looking at the containers"), (_, signal) =>
    app.services.status(signal),
  );
  const services = status.kind === "engine" ? status.services : [];
  return services.find(({ name, state }) => name === "ollama" && state !== "missing")?.image;
}

/** Which containers there are to be, and then as above. */
export async function startServicesAs(app: App, view: ServicesView): Promise<void> {
  mustBeTrusted();
  const items: readonly (vscode.QuickPickItem & { readonly profile: ServiceProfile })[] = [
    { profile: "core", label: "core", description: vscode.l10n.t("Ollama and Redis") },
    {
      profile: "monitoring",
      label: "monitoring",
      description: vscode.l10n.t("and Prometheus and Grafana, with a dashboard of what the service does"),
    },
    {
      profile: "team",
      label: "team",
      description: vscode.l10n.t("and the service itself, in a container named local-llm-proxy"),
    },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Which containers"),
    placeHolder: vscode.l10n.t("All are on 127.0.0.1 only; what is more than is chosen is removed, its contents stay"),
  });
  if (picked) await startServices(app, view, picked.profile);
}

export async function stopServices(app: App, view: ServicesView): Promise<void> {
  mustBeTrusted();
  await takeAway(vscode.l10n.t("Stopping services"), app.services.down);
  view.refresh();
}

/** Models are gigabytes: they go only when a second question is answered as well. */
export async function removeServices(app: App, view: ServicesView): Promise<void> {
  mustBeTrusted();
  const remove = vscode.l10n.t("Remove Containers");
  const removeAll = vscode.l10n.t("Remove Models, Too…");
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t("Remove the containers of Switchyard? Downloaded models and kept answers stay."),
    { modal: true },
    remove,
    removeAll,
  );
  if (!chosen) return;
  if (chosen === removeAll && !(await confirmVolumes())) return;
  await takeAway(vscode.l10n.t("Removing services"), (leaving, signal) =>
    app.services.remove({ withVolumes: chosen === removeAll, ...leaving }, signal),
  );
  view.refresh();
}

async function confirmVolumes(): Promise<boolean> {
  const remove = vscode.l10n.t("Delete Models and Answers");
  const text = vscode.l10n.t(
    "Delete the downloaded models and kept answers of these containers? This cannot be undone.",
  );
  return (await vscode.window.showWarningMessage(text, { modal: true }, remove)) === remove;
}

export async function startOrStopService(
  app: App,
  view: ServicesView,
  node: unknown,
  wanted: "start" | "stop" | "restart",
) {
  mustBeTrusted();
  const service = serviceOf(node);
  const title = {
    start: vscode.l10n.t("Starting…"),
    stop: vscode.l10n.t("Stopping…"),
    restart: vscode.l10n.t("Restarting…"),
  };
  const options = { location: { viewId: "switchyard.services" }, title: title[wanted] };
  if (service) {
    const { signal } = new AbortController();
    await withHurry(async (hurry) =>
      vscode.window.withProgress(options, (progress) => {
        const report = (message: string) => progress.report({ message });
        return app.services[wanted](service, { hurry: hurry.signal, tell: teller({ report, hurry }) }, signal);
      }),
    );
  }
  view.refresh();
}

/** In a remote window the port is forwarded first. Grafana asks for a password, which goes to the clipboard. */
export async function openService(app: App, node: unknown): Promise<void> {
  const address = typeof node === "object" && node !== null && "status" in node ? addressOf(node.status) : undefined;
  if (!address) return;
  const password = serviceOf(node) === "grafana" ? await app.services.grafanaPassword() : undefined;
  if (password) {
    await vscode.env.clipboard.writeText(password);
    const text = vscode.l10n.t("Grafana’s account is “admin”; its password is in the clipboard.");
    inform(text);
  }
  await vscode.env.openExternal(vscode.Uri.parse(address));
}

function addressOf(status: unknown): string | undefined {
  const isOne = typeof status === "object" && status !== null && "address" in status;
  return isOne && typeof status.address === "string" && status.address.startsWith("http") ? status.address : undefined;
}

/** Follows what a service prints until its channel is closed with the window or asked for again. */
export function createServiceLogs(report: (error: unknown) => void) {
  const open = new Map<string, { readonly channel: vscode.OutputChannel; readonly stop: AbortController }>();
  return {
    show(app: App, node: unknown): void {
      const service = serviceOf(node);
      if (!service) return;
      open.get(service)?.stop.abort();
      const channel = open.get(service)?.channel ?? vscode.window.createOutputChannel(`Switchyard: ${service}`);
      const stop = new AbortController();
      channel.clear();
      open.set(service, { channel, stop });
      channel.show(true);
      const follow = async () => {
        for await (const line of app.services.logs(service, 500, stop.signal)) channel.appendLine(line);
        channel.appendLine(vscode.l10n.t("— {0} has stopped —", service));
      };
      follow().catch(report);
    },
    dispose(): void {
      for (const { channel, stop } of open.values()) {
        stop.abort();
        channel.dispose();
      }
    },
  };
}

export type ServiceLogs = ReturnType<typeof createServiceLogs>;

/** Each finding with what shows it; the chosen one is mended and looked at again. */
export async function runDoctor(app: App, view: ServicesView): Promise<void> {
  const findings = await withProgress(vscode.l10n.t("Looking for what is wrong"), (_, signal) =>
    app.services.doctor(signal),
  );
  setContextKey("hasDiagnosis", true);
  if (findings.length === 0) {
    inform(vscode.l10n.t("Nothing is wrong."));
    return;
  }
  const items = findings.map((finding) => ({ ...itemOf(finding), finding }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("What is wrong"),
    placeHolder: vscode.l10n.t("Choose one: all that was seen, and how to mend it"),
    matchOnDetail: true,
  });
  if (!picked) return;
  const { id, what, evidence, repair, canRepair } = picked.finding;
  const detail = [...evidence.map(say), "", say(repair)].join("\n");
  const mend = vscode.l10n.t("Mend It");
  const actions = canRepair && vscode.workspace.isTrusted ? [mend] : [];
  if ((await vscode.window.showWarningMessage(say(what), { modal: true, detail }, ...actions)) !== mend) return;
  const { isFixed } = await takeAway(say(repair), (leaving, signal) => app.services.repair(id, leaving, signal));
  view.refresh();
  inform(isFixed ? vscode.l10n.t("Mended, and looked at again: it is gone.") : vscode.l10n.t("It is still there."));
}

function itemOf({ what, evidence, severity, canRepair }: DoctorFinding): vscode.QuickPickItem {
  return {
    label: `$(${severity === "problem" ? "error" : "warning"}) ${say(what)}`,
    detail: evidence.map(say).join(" · "),
    ...(canRepair ? { description: vscode.l10n.t("can be mended") } : {}),
  };
}

function serviceOf(node: unknown): string | undefined {
  if (typeof node === "string") return node;
  if (typeof node !== "object" || node === null || !("status" in node)) return undefined;
  const { status } = node;
  return typeof status === "object" && status !== null && "name" in status && typeof status.name === "string"
    ? status.name
    : undefined;
}
