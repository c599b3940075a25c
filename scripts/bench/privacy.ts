// What looking before leaving costs: rules, paths, secrets; and how often a question is recognised for what it is.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { InstalledModel } from "../../src/core/backend.ts";
import { allowedModels, localOnlyParts } from "../../src/core/policy.ts";
import { findSecrets } from "../../src/core/secrets/find.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { createPrivatePaths } from "../../src/store/private-paths.ts";
import { judgeHoldout, marksOf } from "../classifier/evaluate.ts";
import { root } from "../run.ts";
import { median, type Row } from "./measure.ts";

export async function measurePrivacy(): Promise<readonly Row[]> {
  return [scan(), rules(), await paths(), ...accuracy()];
}

function scan(): Row {
  const files = globSync(join(root, "{src,test,scripts}", "**", "*.ts"));
  const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
  const rates = Array.from({ length: 7 }, () => {
    const startMs = performance.now();
    findSecrets(text);
    return Buffer.byteLength(text) / 1e6 / ((performance.now() - startMs) / 1000);
  });
  const value = median(rates);
  return { name: "looking for secrets", value, unit: "MB/s", goal: "≥ 20 MB/s", isMet: value >= 20 };
}

function rules(): Row {
  const source = { uri: "file:///w/a.ts", label: "a.ts", text: "x", origin: "file" as const };
  const ask = { text: "why?", sources: Array.from({ length: 20 }, () => source), history: [] };
  const models = Array.from({ length: 20 }, (_, at): InstalledModel => {
    const place = at % 2 === 0 ? "this-machine" : "cloud";
    return { name: `m${at}`, backend: "b", place, sizeBytes: 1, capabilities: [] };
  });
  const times = Array.from({ length: 300 }, () => {
    const startMs = performance.now();
    for (let round = 0; round < 50; round++)
      allowedModels(models, localOnlyParts(ask, defaultSettings), defaultSettings);
    return ((performance.now() - startMs) / 50) * 1000;
  });
  const value = median(times.slice(50));
  return { name: "rules for 20 sources and 20 models", value, unit: "µs", goal: "≤ 50 µs", isMet: value <= 50 };
}

async function paths(): Promise<Row> {
  const privatePaths = createPrivatePaths(() => defaultSettings.localOnlyPaths);
  const file = join(root, "src", "core", "policy.ts");
  const times: number[] = [];
  for (let round = 0; round < 300; round++) {
    const startMs = performance.now();
    await privatePaths.ruleFor(file);
    times.push((performance.now() - startMs) * 1000);
  }
  const value = median(times.slice(50));
  return { name: "rule of one file, on the disk", value, unit: "µs", goal: "≤ 2000 µs", isMet: value <= 2000 };
}

/** On prompts written one by one that nothing was trained on; they are ours, so the figure is on the kind side. */
function accuracy(): readonly Row[] {
  return ["en", "zh"].flatMap((language) => {
    const { macroF1, accuracyOfSurest } = marksOf(judgeHoldout(language));
    return [
      {
        name: `kinds recognised, ${language} (macro-F1)`,
        value: macroF1,
        unit: "",
        goal: "≥ 0.85",
        isMet: macroF1 >= 0.85,
      },
      {
        name: `right on the 80 % it is surest of, ${language}`,
        value: accuracyOfSurest,
        unit: "",
        goal: "≥ 0.95",
        isMet: accuracyOfSurest >= 0.95,
      },
    ];
  });
}
