"""Write the tables of config/README.md from the schema and the tasks' options.

python document_config.py
"""

from gradient_horizon.config import reference
from gradient_horizon.ground import files, programs, project

PAGE = project.ROOT / "config" / "README.md"


def main() -> None:
    """Read the page, put the tables in, write it."""
    programs.parser(__doc__).parse_args()
    files.write_text(PAGE, reference.insert(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    programs.run(main)
