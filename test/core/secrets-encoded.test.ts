// Secrets that stand in a text in another form than their own.
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { findSecrets } from "../../src/core/secrets/find.ts";
import { maskSecrets } from "../../src/core/secrets/mask.ts";
import { processorMs } from "../harness/processor-time.ts";

const inBase64 = (text: string | Buffer) => Buffer.from(text).toString("base64");
const found = (text: string) => findSecrets(text).map(({ start, end }) => text.slice(start, end));
const lines = Array.from({ length: 6 }, (_, at) => `${"aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z".repeat(2)}${at}`);
const key = ["-----BEGIN RSA PRIVATE KEY-----", ...lines, "-----END RSA PRIVATE KEY-----", ""].join("\n");
const github = `ghp_${"a1B2c3D4e5F6".repeat(3)}`;

describe("a secret in base64", () => {
  it("is found, and all of it is masked", () => {
    const value = inBase64(key);
    expect(found(`    client-key-data: ${value}\n`)).toEqual([value.replace(/=+$/, "")]);
    expect(maskSecrets([`    client-key-data: ${value}\n`]).texts[0]).not.toContain(value.slice(4, 40));
    for (const text of [`token: ${github}`, `{"user":"a","github":"${github}","密码":"x"}`]) {
      expect(found(inBase64(text)), text).toHaveLength(1);
      expect(found(Buffer.from(text).toString("base64url")), text).toHaveLength(1);
    }
  });

  it("is none where the text in it has none, and where it is no text", () => {
    for (const text of [
      '{"hello":"world","items":[1,2,3]}',
      "x".repeat(500),
      "/work/some/path-to/a_file/with_a_long_name",
    ]) {
      expect(found(inBase64(text)), text).toEqual([]);
      expect(found(text), text).toEqual([]);
    }
    for (let at = 0; at < 200; at++) expect(found(`integrity: ${randomBytes(64).toString("base64")}`)).toEqual([]);
  });

  it("costs no more than the rest of the search, in a text of nothing else as well", () => {
    for (const part of [
      inBase64("some words that say nothing at all, again and again. "),
      "a1B2".repeat(12),
      "words ",
    ]) {
      const text = part.repeat(Math.ceil(1_000_000 / part.length));
      expect(
        processorMs(1000, () => findSecrets(text)),
        part,
      ).toBeLessThan(1000);
    }
  });
});

describe("a secret in parts", () => {
  const [head, tail] = [github.slice(0, 9), github.slice(9)];

  it("is found with what stands between them, so that code stays code where it is masked", () => {
    for (const [between, text] of [
      ['" + "', `const t = "${head}" + "${tail}";`],
      ["' .\n  '", `$t = '${head}' .\n  '${tail}';`],
      ['"\n     "', `t = ("${head}"\n     "${tail}")`],
      ['\\" + \\"', JSON.stringify({ code: `const t = "${head}" + "${tail}";` })],
    ] as const) {
      const secret = head + between + tail;
      expect(found(text), text).toEqual([secret]);
      const masked = maskSecrets([text]);
      expect(masked.texts[0]).toBe(text.replace(secret, "SECRET_1_GITHUB_TOKEN"));
      expect(masked.restore(masked.texts[0] ?? "")).toBe(text);
    }
    const many = [...github].map((sign) => `"${sign}"`).join(" + ");
    expect(found(`const t = ${many};`)).toEqual([many.slice(1, -1)]);
  });

  it("is found far into a text, with its place, and once", () => {
    const before = 'log("a" + "b");\n'.repeat(500);
    const [finding, ...more] = findSecrets(`${before}const t = "${head}" + "${tail}";`);
    expect(finding).toMatchObject({ rule: "github-token", line: 501, start: before.length + 11 });
    expect(more).toEqual([]);
  });

  it("is none where parts of something else stand beside each other", () => {
    expect(found(`["${head}", "${tail}"]`)).toEqual([]);
    expect(found('"password": "Password"\n"username": "Us3r-name!"')).toEqual([]);
    expect(found('say("the token " + "is 12345 signs long")')).toEqual([]);
  });
});

describe("a cookie of somebody who is logged in", () => {
  const value = "q3f8S9d0gk2L4m6n8P0r2t4v6X";

  it("is found by a name that is nothing else, anywhere, and by any such name in a header", () => {
    for (const text of [
      `PHPSESSID=${value}`,
      `GET /app;jsessionid=${value}?page=2`,
      `{"name": "sessionid", "value": "${value}"}`,
      `Cookie: theme=dark; acme_session=${value}; lang=en`,
      `Set-Cookie: sid=${value}; Path=/`,
      `curl -b 'auth=${value}' https://acme.dev`,
    ]) {
      expect(found(text), text).toEqual([value]);
      expect(findSecrets(text)[0]?.rule, text).toBe("session-cookie");
    }
  });

  it("is none where it lets nobody in, or is the id of something else", () => {
    for (const text of [
      `Cookie: csrftoken=${value}; _ga=GA1.2.1234567890.1234567890`,
      `sessionId: "${value}"`,
      `mysid=${value}`,
      `Cookie: sessionid=\${sessionId}`,
      "Set-Cookie: sessionid=; Max-Age=0",
    ]) {
      expect(found(text), text).toEqual([]);
    }
  });
});

describe("a secret in a form of its own", () => {
  it("is found in an address inside another one, and in the lines of users that systems keep", () => {
    expect(found("?to=postgres%3A%2F%2Fapp%3As3cr3tPw9%40db.acme.dev%3A5432%2Fx")).toEqual(["s3cr3tPw9"]);
    expect(found("?to=https%3A%2F%2Facme.dev%3A8080%2Fa%40b")).toEqual([]);
    const hash = "$6$hR9sKLggz5TFJqmX$pw/wkljrV2v132JkBbCRoaiBeWXu7sG7eF0fmHypoFPzB";
    expect(found(`root:${hash}:19000:0:99999:7:::`)).toEqual([hash]);
    expect(found("admin:$apr1$XngU9CgK$ysZpCnbSwzH57rd2OvbDB.")).toHaveLength(1);
    expect(found('cost is:$5$, or "a:$6$" and $1$2')).toEqual([]);
  });

  it("is found as a token of a registry that looks like an id, and as one that is named so", () => {
    const id = "2c59a354-0b33-422e-a0ec-9d7e4b7c6290";
    expect(found(`//npm.acme.dev/:_authToken=${id}`)).toEqual([id]);
    expect(found(`requestId=${id}`)).toEqual([]);
    expect(found("AZURE_DEVOPS_EXT_PAT=o3shh4hea07scrshrtedx78dmar8tlbo976avshmfybtuo10n70s")).toHaveLength(1);
    expect(found("SEARCH_PATH=o3shh4hea07scrshrtedx78dmar8tlbo976avshmfybtuo10n70s")).toEqual([]);
  });
});
