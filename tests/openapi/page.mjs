// Renders /docs from the document as a browser would, without one: node page.mjs DOCS_HTML OPENAPI_JSON
import { readFileSync } from "node:fs";
import { Script, createContext } from "node:vm";

const script = readFileSync(process.argv[2], "utf8").match(/<script>([\s\S]*?)<\/script>/)[1];
const api = JSON.parse(readFileSync(process.argv[3], "utf8"));
const context = createContext({ api });
const html = new Script(`${script}\n;page(api)`).runInContext(context);
const missing = Object.values(api.paths).flatMap(Object.values).map(o => o.operationId).filter(id => !html.includes(`<article id="${id}">`));
for (const bad of ["undefined", "[object Object]", "NaN"]) if (html.includes(bad)) missing.push(`"${bad}" at ${html.indexOf(bad)}: ${html.substr(html.indexOf(bad) - 60, 120)}`);
if (/(src|href)="(?!#|\/openapi\.json)/.test(html)) missing.push("something from elsewhere");
for (const what of missing) console.error(`the page: ${what}`);
process.exit(missing.length ? 1 : 0);
