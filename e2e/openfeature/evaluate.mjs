// Evaluates flags as an application does and prints what the SDK says, one JSON line for each line of its input:
// {"client":name,"type":"boolean"|"string"|"number"|"object","flag":key,"default":value,"context":{}}. With "type":"all"
// it asks for all flags, as providers for browsers do, and says how it was answered; "flag" is the tag it has already.
// The clients are those of HOTSWAP_CLIENTS: {name: API key}.
import { createInterface } from "node:readline";
import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPApi } from "@openfeature/ofrep-core";
import { OFREPProvider } from "@openfeature/ofrep-provider";

const evaluators = {
  boolean: "getBooleanDetails",
  string: "getStringDetails",
  number: "getNumberDetails",
  object: "getObjectDetails",
};

const api = new OFREPApi(process.env.HOTSWAP_URL);
const keys = JSON.parse(process.env.HOTSWAP_CLIENTS);

async function all(ask) {
  const headers = [["X-API-Key", keys[ask.client]], ["If-None-Match", ask.flag]];
  const { httpStatus, value, httpResponse } = await api.postBulkEvaluateFlags({ context: ask.context }, { headers });
  return { httpStatus, tag: httpResponse.headers.get("etag"), keys: value?.flags?.map((flag) => flag.key) ?? [] };
}

const clients = {};
for (const [name, key] of Object.entries(keys)) {
  const provider = new OFREPProvider({ baseUrl: process.env.HOTSWAP_URL, headers: [["X-API-Key", key]] });
  await OpenFeature.setProviderAndWait(name, provider);
  clients[name] = OpenFeature.getClient(name);
}
OpenFeature.setLogger({ error() {}, warn() {}, info() {}, debug() {} });

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  if (ask.type === "all") {
    process.stdout.write(JSON.stringify(await all(ask)) + "\n");
    continue;
  }
  const details = await clients[ask.client][evaluators[ask.type]](ask.flag, ask.default, ask.context);
  process.stdout.write(JSON.stringify(details) + "\n");
}
await OpenFeature.close();
