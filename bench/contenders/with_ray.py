"""The network in Ray Serve: `python -m bench.contenders.with_ray`."""

import asyncio
import os
import signal
import tempfile

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from bench.contenders.keras_network import KerasNetwork


@serve.deployment(num_replicas=int(os.environ["BENCH_WORKERS"]), max_ongoing_requests=4)
class Streets:
    def __init__(self) -> None:
        self.network = KerasNetwork()

    async def __call__(self, request: Request) -> Response:
        if request.method == "GET":
            return Response("ready")
        overlay = await asyncio.to_thread(self.network.overlay_png, await request.body())
        return Response(overlay, media_type="image/png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        ray.init(address="local", include_dashboard=False, configure_logging=False, _temp_dir=folder)
        # Serve shuts down in order on Ctrl-C only.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
        try:
            serve.run(Streets.bind(), route_prefix="/predict", blocking=True)
        finally:
            ray.shutdown()
