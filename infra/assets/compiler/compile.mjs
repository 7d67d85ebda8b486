// Compiles every module under a folder: node compile.mjs FOLDER
// Unchecked hash files, as infra/assets/bytecode.py explains. The exit status is 1 if one fails.
import { loadPyodide } from "pyodide";

const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
python.FS.mkdir("/tree");
python.FS.mount(python.FS.filesystems.NODEFS, { root: process.argv[2] }, "/tree");
const isCompiled = python.runPython(`
import compileall, py_compile
compileall.compile_dir(
    "/tree",
    maxlevels=99,
    quiet=1,
    stripdir="/tree",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
`);
process.exit(isCompiled ? 0 : 1);
