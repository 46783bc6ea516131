"""python3 -m kvmesh, or python3 PATH/TO/kvmesh: the command of command.py."""

import os
import sys

if not __package__:  # started by its path: the package is found where it stands
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

try:
    from kvmesh.command import main
except ModuleNotFoundError as missing:
    sys.exit(f"kvmesh: {missing}")

sys.exit(main(sys.argv[1:]))
