"""python -m facefusion_observability: facefusion-observe, where it is not on PATH."""

import sys

from .cli import main

sys.exit(main())
