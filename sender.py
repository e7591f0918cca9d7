"""Countersign, the sending side. Run it as it is: what it needs is set up on the first run."""

import sys

if sys.version_info < (3, 10):
    sys.exit("Countersign needs Python 3.10 or newer; this is %d.%d. Get one from python.org." % sys.version_info[:2])

if __name__ == "__main__":
    if not getattr(sys, "frozen", False):
        # Anything may lie beside this file, a planted json.py too: only the package is loaded from there, by its place.
        if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
            del sys.path[0]
        import os
        from importlib.util import module_from_spec, spec_from_file_location

        folder = os.path.dirname(os.path.realpath(__file__))
        sys.path[:] = [path for path in sys.path if path and os.path.realpath(path) != folder]
        package = os.path.join(folder, "countersign")
        spec = spec_from_file_location(
            "countersign", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        assert spec and spec.loader
        sys.modules["countersign"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["countersign"])

    from countersign.bootstrap import start

    sys.exit(start("sender"))
