// The least that a proxy of node:http does: nothing is read, nothing is understood.
import { Agent, request as ask, createServer } from "node:http";

const upstream = Number(process.env["UPSTREAM"]);
const agent = new Agent({ keepAlive: true, maxSockets: 2048 });
const server = createServer((request, response) => {
  const { method, headers, url: path } = request;
  const out = ask({ host: "127.0.0.1", port: upstream, path, method, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  out.on("error", () => response.destroy());
  request.pipe(out);
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", 2048, () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : "");
});
