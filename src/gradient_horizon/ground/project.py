"""Where the files of the project lie that the library does not hold: workflow, paper, config.

In a checkout they lie beside `src/`; a wheel carries them along, within the package.
"""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
CARRIED = PACKAGE / "project"
IS_CHECKOUT = not CARRIED.is_dir()
ROOT = PACKAGE.parents[1] if IS_CHECKOUT else CARRIED
