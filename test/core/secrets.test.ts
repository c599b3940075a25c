import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate, readSamples } from "../../scripts/secrets/evaluate.ts";
import { findSecrets } from "../../src/core/secrets/find.ts";
import { maskSecrets } from "../../src/core/secrets/mask.ts";
import { processorMs } from "../harness/processor-time.ts";

const samples = readSamples(7);
const withSecret = samples.filter((sample) => sample.secret !== undefined);
const found = (text: string) => findSecrets(text).map(({ start, end }) => text.slice(start, end));
const rules = (text: string) => findSecrets(text).map(({ rule }) => rule);

describe("finding secrets", () => {
  it("finds at least 97 % of the labelled secrets, and at most 2 % of what it flags is harmless", () => {
    const score = evaluate([7, 8].flatMap(readSamples));
    expect(score.secrets).toBeGreaterThanOrEqual(300);
    expect(score.benign).toBeGreaterThanOrEqual(600);
    expect(score.recall).toBeGreaterThanOrEqual(0.97);
    expect(score.precision).toBeGreaterThanOrEqual(0.98);
    expect(score.exact).toBeGreaterThanOrEqual(0.95);
  });

  it("would notice a finder that finds nothing, and one that flags everything", () => {
    expect(evaluate(samples, () => []).recall).toBe(0);
    const all = (text: string) => [
      {
        ...findSecrets("密码：Zx81kk#a")[0],
        rule: "",
        label: { template: "", args: [] },
        start: 0,
        end: text.length,
        line: 1,
      },
    ];
    expect(evaluate(samples, all).precision).toBeLessThan(0.5);
  });

  it("gives ordered findings that do not overlap, with the line they begin in", () => {
    const text = samples.map((sample) => sample.text).join("\n");
    const findings = findSecrets(text);
    expect(findings.length).toBeGreaterThan(150);
    for (const [index, each] of findings.entries()) {
      expect(each.start).toBeGreaterThanOrEqual(findings[index - 1]?.end ?? 0);
      expect(each.line).toBe(text.slice(0, each.start).split("\n").length);
    }
  });

  it("names a value after its own form rather than after the setting it stands in", () => {
    expect(rules(`GITHUB_TOKEN=${"ghp_"}${"a1B2c3D4e5F6".repeat(3)}`)).toEqual(["github-token"]);
  });

  it("leaves the name, the quotes and the host of a secret in place", () => {
    expect(found('const dbPassword = "Zx81kk#a";')).toEqual(["Zx81kk#a"]);
    expect(found("postgres://app:q7Lm2Rt9@db:5432/x")).toEqual(["q7Lm2Rt9"]);
  });

  it("makes one finding of two that overlap, so that no part of either stays", () => {
    const pem = withSecret.find(({ kind }) => kind === "private-key")?.text ?? "";
    const findings = findSecrets(`DB_PASSWORD=k9!x${pem}`);
    expect(findings.map(({ rule, start, end }) => ({ rule, start, end }))).toEqual([
      { rule: "private-key", start: 12, end: 16 + pem.length },
    ]);
  });

  it("takes a resident ID only with its check digit and a date of the calendar", () => {
    expect(rules("11010519491231002X")).toEqual(["resident-id"]);
    expect(rules("110105 19491231 002x")).toEqual(["resident-id"]);
    expect(rules("110105194912310021")).toEqual([]);
    expect(rules("11010519490231002X")).toEqual([]);
    expect(rules("a11010519491231002X")).toEqual([]);
  });

  it("takes a mobile number with or without country code, but not out of a longer number", () => {
    for (const text of [
      "13912345678",
      "+86 139-1234-5678",
      "+8613912345678",
      "0086 139 1234 5678",
      "电话13912345678。",
    ]) {
      expect(rules(text), text).toEqual(["mobile-number"]);
    }
    for (const text of [
      "139123456789",
      "0.13912345678",
      "12013912345678",
      "a13912345678",
      "13912345678.5",
      "12912345678",
    ]) {
      expect(rules(text), text).toEqual([]);
    }
  });

  it("flags nothing in this project's lock file", async () => {
    const { readFile } = await import("node:fs/promises");
    expect(found(await readFile("package-lock.json", "utf8"))).toEqual([]);
  });

  const firstOfKind = [...new Map(withSecret.toReversed().map((sample) => [sample.kind, sample])).values()];
  const hostile = [
    ...firstOfKind.map(({ text, secret }) => text.slice(0, (secret?.start ?? 0) + 8)),
    ...'password=|token: |_key|eyJ-|://|://a:|:a@|-----BEGIN PRIVATE KEY-----|private-lines: 1 |1|138 |-u |mysql |\\|"|密码'.split(
      "|",
    ),
    "-----BEGIN PRIVATE KEY----- a1b2C3d4",
    '"+',
    '" + "',
    `"${" ".repeat(90)}`,
    '"\n',
    'ghp_a1B2" + "',
    `sid=${"q3f8"}s9d0gk2l4m6n;`,
    "cookie: ",
    `cookie: sid=${"q3f8"}s9d0gk2l4m6n; `,
    `cookies sid=${"q3f8"}s9d0gk2l4m6n; `,
    "sessionid\t",
    `password=${"Zx81"}kk#a`,
  ];
  it("ends within a second on a line of a megabyte that begins a rule again and again", { timeout: 300_000 }, () => {
    for (const part of hostile) {
      const text = part.repeat(Math.ceil(1_000_000 / part.length)).slice(0, 1_000_000);
      expect(
        processorMs(1000, () => findSecrets(text)),
        part,
      ).toBeLessThan(1000);
    }
  });
});

/** Texts with secrets, pieces of placeholders and anything else in them. */
const part = fc.oneof(
  fc.constantFrom(...withSecret.map(({ text }) => `${text}\n`)),
  fc.constantFrom(...withSecret.map(({ text, secret }) => ` ${text.slice(secret?.start, secret?.end)} `)),
  fc.constantFrom(
    "SECRET_1_AWS_KEY",
    "SECRET_1_",
    "SECRET",
    "SECRET\\_2",
    "SECRETA_1_KEY",
    "S",
    "_",
    "\\",
    "1",
    "SECRET_1",
  ),
  fc.string({ unit: "grapheme" }),
);
const texts = fc.array(
  fc.array(part, { maxLength: 6 }).map((parts) => parts.join("")),
  { maxLength: 3 },
);

/** Cuts the text at the given shares of its length. */
function cut(text: string, shares: readonly number[]): readonly string[] {
  const places = [0, ...shares.map((share) => Math.floor(share * text.length)).sort((a, b) => a - b), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

describe("masking secrets", () => {
  it("gives every text back as it was", () => {
    fc.assert(
      fc.property(texts, (originals) => {
        const masked = maskSecrets(originals);
        expect(masked.texts.map((text) => masked.restore(text))).toEqual(originals);
      }),
      { numRuns: 400 },
    );
  });

  it("gives an answer back however it is cut into pieces", () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });
    fc.assert(
      fc.property(texts, shares, (originals, places) => {
        const masked = maskSecrets(originals);
        const restorer = masked.createRestorer();
        const answer = masked.texts.join("\n");
        const pieces = cut(answer, places).map((piece) => restorer.push(piece));
        expect(pieces.join("") + restorer.end()).toBe(originals.join("\n"));
      }),
      { numRuns: 400 },
    );
  });

  it("gives an answer back that comes character by character", () => {
    const originals = withSecret.map(({ text }) => text);
    const masked = maskSecrets(originals);
    const restorer = masked.createRestorer();
    const shown = [...masked.texts.join("\n")].map((char) => restorer.push(char)).join("") + restorer.end();
    expect(shown).toBe(originals.join("\n"));
  });

  it("leaves no secret of eight characters or more in any text", () => {
    fc.assert(
      fc.property(texts, (originals) => {
        const secrets = originals.flatMap(found).filter((secret) => secret.length >= 8);
        for (const text of maskSecrets(originals).texts) {
          expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("finds nothing more in a text that was masked", () => {
    const masked = maskSecrets(withSecret.map(({ text }) => text)).texts;
    expect(masked.flatMap(found)).toEqual([]);
  });

  it("uses one placeholder for one secret, in all texts and also where no rule would find it", () => {
    const masked = maskSecrets(['password = "Zx81kk#a"', "why does Zx81kk#a fail?", "secret: none"]);
    expect(masked.texts).toEqual([
      'password = "SECRET_1_PASSWORD"',
      "why does SECRET_1_PASSWORD fail?",
      "secret: none",
    ]);
    expect(masked.count).toBe(1);
  });

  it("replaces a short password elsewhere only where it stands alone", () => {
    const masked = maskSecrets(["ftp://bob:r0ot@h/", "r0ot r0otDir"]);
    expect(masked.texts[1]).toBe("SECRET_1_URL_PASSWORD r0otDir");
  });

  it("leaves alone what already looked like a placeholder", () => {
    const masked = maskSecrets(['SECRET_1_PASSWORD; password = "Zx81kk#a"']);
    expect(masked.texts[0]).toBe('SECRET_1_PASSWORD; password = "SECRETA_1_PASSWORD"');
    expect(masked.restore("SECRET_1_PASSWORD and SECRETA_1_PASSWORD")).toBe("SECRET_1_PASSWORD and Zx81kk#a");
  });

  it("reads placeholders whose underscores the model escaped, and leaves unknown ones", () => {
    const masked = maskSecrets(['password = "Zx81kk#a"']);
    expect(masked.restore("**SECRET\\_1\\_PASSWORD**, SECRET_2_PASSWORD, SECRET_1_TOKEN")).toBe(
      "**Zx81kk#a**, SECRET_2_PASSWORD, SECRET_1_TOKEN",
    );
  });

  it("shows at once what cannot become a placeholder", () => {
    const restorer = maskSecrets(['password = "Zx81kk#a"']).createRestorer();
    expect(restorer.push("So: ")).toBe("So: ");
    expect(restorer.push("use SEC")).toBe("use ");
    expect(restorer.push("RET_1_PASS")).toBe("");
    expect(restorer.push("WORD.")).toBe("Zx81kk#a.");
    expect(restorer.end()).toBe("");
  });

  it("masks a megabyte with a thousand secrets in under a second", () => {
    const line = (n: number) =>
      `password${n} = "k${(n * 7919).toString(36)}#Q${n}x"; // ${"no secret here, only words. ".repeat(35)}\n`;
    const text = Array.from({ length: 1000 }, (_, n) => line(n)).join("");
    const took = processorMs(1000, () => {
      const masked = maskSecrets([text]);
      expect(masked.count).toBeGreaterThan(900);
      expect(masked.restore(masked.texts[0] ?? "")).toBe(text);
    });
    expect(took).toBeLessThan(1000);
  });
});
