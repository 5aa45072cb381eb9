"""The tutorial service: what a competent beginner writes to put a Keras segmentation network on the web.

`gunicorn --workers 1 --threads 4 bench.contenders.tutorial:app`
"""

import base64
import io
import json
import os
from pathlib import Path

import cv2
import keras
import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image

FOLDER = Path(os.environ["STREETSEG_ARTIFACT"])
CARD = json.loads((FOLDER / "card.json").read_text("utf-8"))
HEIGHT, WIDTH = CARD["input"]["height"], CARD["input"]["width"]
MEAN, STD = CARD["input"]["mean"], CARD["input"]["std"]
NAMES = [category["name"] for category in CARD["categories"]]
COLORS = np.array([category["color"] for category in CARD["categories"]], np.uint8)

app = Flask(__name__)
model = keras.models.load_model(FOLDER / "unet.keras", compile=False)
model.predict(np.zeros((1, HEIGHT, WIDTH, 3), np.float32), verbose=0)


@app.get("/ready")
def ready():
    return "ready"


@app.post("/predict")
def predict():
    image = np.array(Image.open(io.BytesIO(request.get_data())).convert("RGB"))
    labels = segment(image)
    if request.args.get("format") == "json":
        return jsonify(categories=coverage(labels), mask=base64.b64encode(png(labels)).decode())
    return Response(png(blend(image, labels)), mimetype="image/png")


def segment(image):
    small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    batch = (small[np.newaxis].astype(np.float32) - MEAN) / STD
    probabilities = model.predict(batch, verbose=0)[0]
    probabilities = cv2.resize(probabilities, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.argmax(probabilities, axis=-1).astype(np.uint8)


def blend(image, labels):
    return (image * 0.5 + COLORS[labels] * 0.5 + 0.5).astype(np.uint8)


def coverage(labels):
    counts = np.bincount(labels.ravel(), minlength=len(NAMES))
    return [
        {"name": name, "pixels": int(count), "coverage": float(count / labels.size)}
        for name, count in zip(NAMES, counts, strict=True)
    ]


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
