"""The network and all that surrounds it. Never imports `app` or Flask."""

import sys

# `import openvino` alone sends usage data to Google Analytics, from a process of its own, whenever this package is
# there. A service that promises to keep images to itself does not call home: OpenVINO then uses its own stand-in.
sys.modules.setdefault("openvino_telemetry", None)
