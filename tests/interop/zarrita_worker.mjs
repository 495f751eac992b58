// Worker for zarrita: reads and writes arrays of version 3, from a job in JSON on the standard
// input, and answers with a line of JSON for each step. To be run from the folder of its packages.

import { readFileSync, writeSync } from "node:fs";
import { FileSystemStore } from "@zarrita/storage";
import * as zarr from "zarrita";

const open = (folder) =>
  zarr.open.v3(zarr.root(new FileSystemStore(folder)), { kind: "array" });

function inOrder(chunk) {
  // Items in C order, whatever the strides are.
  const size = chunk.shape.reduce((a, b) => a * b, 1);
  const plain = Array.from(chunk.data);
  return Array.from({ length: size }, (_, n) => {
    let offset = 0;
    for (let axis = chunk.shape.length - 1; axis >= 0; axis--) {
      offset += (n % chunk.shape[axis]) * chunk.stride[axis];
      n = Math.floor(n / chunk.shape[axis]);
    }
    return plain[offset];
  });
}

const asText = (item) => (Object.is(item, -0) ? "-0" : String(item));

async function read({ folder }) {
  const array = await open(folder);
  const found = await zarr.get(array);
  if (array.shape.length === 0) return { shape: [], items: [asText(found)] };
  return { shape: array.shape, items: inOrder(found).map(asText) };
}

async function write({ folder, shape, start, stop, items, type }) {
  const array = await open(folder);
  const data = globalThis[type].from(items.map(type.startsWith("Big") ? BigInt : Number));
  const stride = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const selection = start.map((first, axis) => zarr.slice(first, stop[axis]));
  await zarr.set(array, selection, { data, shape, stride });
  return read({ folder });
}

for (const step of JSON.parse(readFileSync(0, "utf8"))) {
  let answer;
  try {
    answer = await { read, write }[step.action](step);
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  // At once, because some arrays end the whole process.
  writeSync(1, `${JSON.stringify(answer)}\n`);
}
