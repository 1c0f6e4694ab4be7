"""Found first on PYTHONPATH by `facefusion-observe`. Another sitecustomize further on is run as well."""

import importlib.machinery
import importlib.util
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))


def _others() -> None:
    path = [entry for entry in sys.path if os.path.abspath(entry or os.getcwd()) != _here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _ours() -> None:
    try:
        from facefusion_observability import boot
    except ImportError:
        # Another Python, in which the package is not installed: the folder that it was started from.
        package = os.path.dirname(os.path.dirname(_here))
        sys.path.append(package)
        try:
            from facefusion_observability import boot
        except ImportError:
            return
        finally:
            sys.path.remove(package)
    boot.run()


_ours()
_others()
