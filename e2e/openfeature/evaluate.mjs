// Evaluates flags as an application does and prints what the SDK says, one JSON line for each line of its input:
// {"client":name,"type":"boolean"|"string"|"number"|"object","flag":key,"default":value,"context":{}}.
// The clients are those of HOTSWAP_CLIENTS: {name: API key}.
import { createInterface } from "node:readline";
import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPProvider } from "@openfeature/ofrep-provider";

const evaluators = {
  boolean: "getBooleanDetails",
  string: "getStringDetails",
  number: "getNumberDetails",
  object: "getObjectDetails",
};

const clients = {};
for (const [name, key] of Object.entries(JSON.parse(process.env.HOTSWAP_CLIENTS))) {
  const provider = new OFREPProvider({ baseUrl: process.env.HOTSWAP_URL, headers: [["X-API-Key", key]] });
  await OpenFeature.setProviderAndWait(name, provider);
  clients[name] = OpenFeature.getClient(name);
}
OpenFeature.setLogger({ error() {}, warn() {}, info() {}, debug() {} });

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  const details = await clients[ask.client][evaluators[ask.type]](ask.flag, ask.default, ask.context);
  process.stdout.write(JSON.stringify(details) + "\n");
}
await OpenFeature.close();
