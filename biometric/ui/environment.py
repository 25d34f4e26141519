"""The environment that Gradio reads when it is imported, and the private folder for its uploads."""

import os
import sys

from biometric.settings import Settings
from biometric.storage import PrivateFolder


def prepare_environment(settings: Settings) -> PrivateFolder:
    """Make the private folder and set what Gradio reads at import; call once, before anything imports Gradio.

    Raises:
        RuntimeError: Gradio is imported already, so that its uploads would lie elsewhere.
        StorageFull: the folder cannot be made.
    """
    if "gradio" in sys.modules:
        raise RuntimeError("prepare() must run before gradio is imported")
    folder = PrivateFolder(settings.temp)
    os.environ.update(
        GRADIO_TEMP_DIR=str(folder.files),
        GRADIO_EXAMPLES_CACHE=str(folder.files / "examples"),
        GRADIO_ANALYTICS_ENABLED="False",
        GRADIO_RUN_HISTORY="False",
        GRADIO_SHARE="False",
        GRADIO_MCP_SERVER=str(settings.mcp),
        HF_HUB_DISABLE_TELEMETRY="1",
        DO_NOT_TRACK="1",
        FORWARDED_ALLOW_IPS="",  # uvicorn would believe any program of this machine whom it asks for
    )
    # These would widen what is served, wherever they were set.
    for variable in ("GRADIO_ALLOWED_PATHS", "GRADIO_BLOCKED_PATHS", "GRADIO_LOCAL_DEV_MODE", "GRADIO_NUM_WORKERS"):
        os.environ.pop(variable, None)
    return folder
