// Holds the API's document to its own schemas and to what a node really said.
//
//   node check.mjs OPENAPI_JSON EXCHANGES_JSON      exit status 1 with one line for each thing that is wrong
//
// Every example must fit its schema; every exchange must be one that the document describes: its operation, status, type,
// body. Schemas of answers are closed for that, so that a field that the document does not know is found.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const api = JSON.parse(readFileSync(process.argv[2], "utf8"));
const exchanges = JSON.parse(readFileSync(process.argv[3], "utf8"));
const wrong = [];
const look = it => it?.$ref ? look(it.$ref.slice(2).split("/").reduce((at, name) => at[name], api)) : it;

function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const out = Object.fromEntries(Object.entries(schema).map(([name, value]) =>
    name === "properties" ? [name, Object.fromEntries(Object.entries(value).map(([p, s]) => [p, closed(s)]))]
      : ["example", "enum", "const", "default"].includes(name) ? [name, value] : [name, closed(value)]));
  if (out.type === "object" && out.properties && out.additionalProperties === undefined) out.additionalProperties = false;
  return out;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ $id: "api", components: { schemas: closed(api.components.schemas) } });
const pointed = schema => JSON.parse(JSON.stringify(closed(schema)).replaceAll("\"#/", "\"api#/"));

function fits(schema, value, where) {
  const check = ajv.compile(pointed(schema));
  if (!check(value)) for (const e of check.errors) wrong.push(`${where}: ${e.instancePath || "/"} ${e.message} ${JSON.stringify(e.params)}`);
}

let examples = 0;
function contents(of, where) {
  for (const [type, content] of Object.entries(of?.content ?? {})) {
    if (content.example === undefined) continue;
    examples += 1;
    fits(content.schema, content.example, `the example of ${where}, ${type}`);
  }
}

const operations = new Map();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    operations.set(operation.operationId, { path, method, operation });
    contents(operation.requestBody, `${operation.operationId}'s request`);
    for (const [status, answer] of Object.entries(operation.responses)) contents(look(answer), `${operation.operationId}'s ${status}`);
  }
}

const succeeded = new Set();
for (const x of exchanges) {
  const known = operations.get(x.operation);
  const where = `${x.method} ${x.target} → ${x.status}`;
  const pattern = known && new RegExp(`^${known.path.replace(/\{[^}]+\}/g, "[^/]+")}$`);
  if (!known || known.method !== x.method || !pattern.test(x.target.split("?")[0])) { wrong.push(`${where}: not in the document as ${x.operation}`); continue; }
  const answer = look(known.operation.responses[String(x.status)]);
  if (!answer) { wrong.push(`${where}: the status is not in the document`); continue; }
  if (x.status < 300) succeeded.add(x.operation);
  if (x.request !== null && x.status < 300) fits(known.operation.requestBody.content[x.kind].schema, x.request, `the request of ${where}`);
  if (answer.content) {
    const content = answer.content[x.type];
    if (!content) wrong.push(`${where}: ${x.type} is not in the document`);
    else fits(content.schema, x.answer, where);
  } else if (x.answer !== "") wrong.push(`${where}: a body that the document has not`);
  for (const name of Object.keys(answer.headers ?? {})) {
    const optional = ["Idempotent-Replayed", "Link", "ETag"].includes(name);
    if (!optional && x.headers[name.toLowerCase()] === undefined) wrong.push(`${where}: ${name} is missing`);
  }
  for (const name of ["etag", "keyrack-sequence", "location", "link", "idempotency-key"]) {
    const promised = Object.keys(answer.headers ?? {}).some(h => h.toLowerCase() === name);
    if (x.status < 300 && x.headers[name] !== undefined && !promised) wrong.push(`${where}: ${name} is not in the document`);
  }
}
for (const id of operations.keys()) if (!succeeded.has(id)) wrong.push(`${id}: never seen to succeed`);

for (const line of wrong) console.error(line);
console.log(`${examples} examples, ${exchanges.length} exchanges of ${succeeded.size} operations: ${wrong.length} wrong`);
process.exit(wrong.length ? 1 : 0);
