// Texts of many kinds, each the same at every run, with the tokens that four tokenizers really make of them.
import { createHash } from "node:crypto";

const bytes = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count / 32 }, (_, at) => createHash("sha256").update(String(at)).digest()));
const times = (count: number, line: (at: number) => string, between = "\n") =>
  Array.from({ length: count }, (_, at) => line(at)).join(between);
const hex = bytes(3200).toString("hex");
const base64 = bytes(3200).toString("base64");

export const denseTexts: Readonly<Record<string, string>> = {
  base64,
  "base64 in lines": base64.replace(/.{64}/g, "$&\n"),
  hex,
  "capital hex": hex.toUpperCase(),
  "random letters": base64.replace(/[^a-z]/gi, ""),
  "random small letters": base64.toLowerCase().replace(/[^a-z]/g, ""),
  "hashes of packages": times(40, (at) => `"integrity": "sha512-${base64.slice(at * 90, at * 90 + 88)}==",`),
  ids: times(80, (at) => hex.slice(at * 32, at * 32 + 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")),
  addresses: times(60, (at) => `https://cdn.example.com/a/${base64.slice(at * 20, at * 20 + 20)}.js?v=${at * 7919}`),
  numbers: times(400, (at) => String((at * 7919.3173) % 1000), ","),
  "camel case": times(150, (at) => `getXmlHttpQ${at % 7}ProxyLoadKj`, " "),
  "deep code": times(200, (at) => `${" ".repeat((at % 12) * 4)}x = y;`),
  "code with tabs": times(200, (at) => `${"\t".repeat(at % 8)}if (a[i] > b) { total += call(a[i], "b"); }`),
  json: JSON.stringify(
    times(60, (at) => `{"id":${at},"name":"item ${at}","price":${at * 1.37},"ok":true}`).split("\n"),
  ),
  log: times(60, (at) => `2026-11-27T04:${at}:12.${at}Z [INFO] pid=${1000 + at} GET /api/v1/users/${at} 200 ${at}ms`),
  Polish: times(20, () => "Zażółć gęślą jaźń, chrząszcz brzmi w trzcinie w Szczebrzeszynie.", " "),
  Georgian: times(20, () => "ეს არის საკმაოდ გრძელი წინადადება ქართულად.", " "),
};

export const plainTexts: Readonly<Record<string, string>> = {
  English: times(
    20,
    () => "The quick brown fox jumps over the lazy dog, and nobody in the village minds it at all.",
    " ",
  ),
  capitals: times(20, () => "THIS IS AN ERROR MESSAGE WRITTEN ENTIRELY IN CAPITAL LETTERS BY A LEGACY SYSTEM.", " "),
  German: times(20, () => "Die Bundesregierung überprüft außergewöhnliche Verbindlichkeiten der Gemeinden.", " "),
  Chinese: times(20, () => "这段代码的作用是读取配置文件，然后启动服务；如果端口被占用，就换一个端口。", ""),
  Russian: times(20, () => "Это довольно длинное предложение на русском языке, которое проверяет подсчёт.", " "),
  code: times(
    40,
    (at) =>
      `export function total${at}(values: readonly number[]): number {\n  return values.reduce((a, b) => a + b, 0);\n}`,
  ),
};
