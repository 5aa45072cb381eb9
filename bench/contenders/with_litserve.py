"""The network in LitServe: `python -m bench.contenders.with_litserve`."""

import os

import litserve
from fastapi import Response

from bench.contenders.keras_network import KerasNetwork


class Streets(litserve.LitAPI):
    def setup(self, device):
        self.network = KerasNetwork()

    def decode_request(self, request):
        return request["image"].file.read()

    def predict(self, photograph):
        return self.network.overlay_png(photograph)

    def encode_response(self, overlay):
        return Response(overlay, media_type="image/png")


if __name__ == "__main__":
    server = litserve.LitServer(
        Streets(api_path="/predict"),
        accelerator="cpu",
        workers_per_device=int(os.environ["BENCH_WORKERS"]),
        timeout=300,
    )
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
