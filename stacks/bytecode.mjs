// Compile Python sources to bytecode of the functions' version: `node bytecode.mjs BUNDLE FOLDER…`, folders within the bundle.
//
// Bytecode belongs to a version of Python and not to a machine. Pyodide is CPython for WebAssembly; npm's lock pins it, so
// the bytecode is the same whichever Python runs the CDK.
import { loadPyodide } from "pyodide";

const [bundle, ...folders] = process.argv.slice(2);
// Without columns, which tracebacks mark with ^^^^, bytecode takes a fifth less.
const python = await loadPyodide({ env: { PYTHONNODEBUGRANGES: "1" } });
python.mountNodeFS("/bundle", bundle);
python.globals.set("folders", folders);
python.runPython(`
import compileall
from py_compile import PycInvalidationMode

# Hashes that are not checked hold no timestamps, which a copy or a zip would invalidate. Templates in dependencies that do
# not compile stay sources.
for folder in folders:
    compileall.compile_dir(
        f"/bundle/{folder}", quiet=2, stripdir="/bundle", invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )
`);
