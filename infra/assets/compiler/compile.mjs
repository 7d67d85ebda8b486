// Compiles every module under a folder: node compile.mjs FOLDER
// With the compile_tree.py beside it, as infra/assets/asset_platform.py explains. The exit status is 1 if a module fails.
import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";

const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
python.FS.mkdir("/tree");
python.FS.mount(python.FS.filesystems.NODEFS, { root: process.argv[2] }, "/tree");
python.runPython("import sys; sys.argv = ['compile_tree.py', '/tree']");
python.runPython(readFileSync(new URL("compile_tree.py", import.meta.url), "utf8"));
