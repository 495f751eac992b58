// Small stores by JavaScript writers: node wild_writers.mjs FOLDER. To be run from the folder of
// their packages. The items of each array are 0, 1, 2, ….

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FileSystemStore } from "@zarrita/storage";
import { KeyError, NestedArray, create as createV2 } from "zarr";
import * as zarrita from "zarrita";

const folder = process.argv[2];

async function byZarrita() {
  const root = zarrita.root(new FileSystemStore(join(folder, "zarrita.zarr")));
  await zarrita.create(root, { attributes: { title: "a" } });
  for (const [name, codecs] of [["plain", undefined], ["transposed", [
    { name: "transpose", configuration: { order: [1, 0] } },
    { name: "bytes", configuration: { endian: "little" } },
  ]]]) {
    const array = await zarrita.create(root.resolve(name), {
      dtype: "int32", shape: [5, 4], chunkShape: [2, 3], codecs,
    });
    const data = Int32Array.from({ length: 20 }, (_, i) => i);
    await zarrita.set(array, null, { data, shape: [5, 4], stride: [4, 1] });
  }
}

async function byZarrJs() {
  const path = join(folder, "zarr.js.zarr");
  // The package has stores for browsers only.
  const store = {
    values: new Map(),
    keys: async () => [...store.values.keys()],
    containsItem: async (key) => store.values.has(key),
    getItem: async (key) => {
      if (!store.values.has(key)) throw new KeyError(key);
      return store.values.get(key);
    },
    deleteItem: async (key) => store.values.delete(key),
    setItem: async (key, value) => {
      store.values.set(key, value);
      const file = join(path, key);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof value === "string" ? value : new Uint8Array(value));
      return true;
    },
  };
  const array = await createV2({
    store, path: "a", shape: [5, 4], chunks: [2, 3], dtype: "<f4", fillValue: -1, compressor: null,
  });
  const data = Float32Array.from({ length: 20 }, (_, i) => i);
  await array.set(null, new NestedArray(data, [5, 4], "<f4"));
}

await byZarrita();
await byZarrJs();
