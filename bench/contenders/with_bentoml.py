"""The network in BentoML: `bentoml serve bench.contenders.with_bentoml:Streets`."""

import os

import bentoml
from starlette.responses import Response

from bench.contenders.keras_network import KerasNetwork


@bentoml.service(
    workers=int(os.environ["BENCH_WORKERS"]),
    threads=int(os.environ["BENCH_THREADS"]),
    traffic={"timeout": 300},
    metrics={"enabled": False},
)
class Streets:
    def __init__(self) -> None:
        self.network = KerasNetwork()

    @bentoml.api
    def predict(self, photograph: bytes, /) -> bytes:
        return Response(self.network.overlay_png(photograph), media_type="image/png")
